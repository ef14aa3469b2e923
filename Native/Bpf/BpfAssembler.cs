using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>
/// Writes a program instruction by instruction (RFC 9669, kernel <c>linux/filter.h</c>). Jumps go to labels, which may be placed later; distances are filled in at the end.
/// Methods without a suffix work on 64 bits, those with <c>32</c> on the low half and clear the upper one.
/// </summary>
public sealed class BpfAssembler
{
    private const byte Load = 0x00;
    private const byte LoadMemory = 0x61;
    private const byte StoreImmediateMemory = 0x62;
    private const byte StoreMemory = 0x63;
    private const byte AtomicMemory = 0xc3;
    private const byte Arithmetic32 = 0x04;
    private const byte Arithmetic = 0x07;
    private const byte JumpClass = 0x05;
    private const byte Jump32Class = 0x06;
    private const byte FromRegister = 0x08;
    private const byte Double = 0x18;

    private readonly List<BpfInstruction> _code = [];
    private readonly List<int> _labels = [];
    private readonly List<(int At, int Label)> _jumps = [];

    /// <summary>Instructions so far.</summary>
    public int Count => _code.Count;

    /// <summary>A label that stands nowhere yet.</summary>
    public BpfLabel NewLabel()
    {
        _labels.Add(-1);
        return new BpfLabel(_labels.Count - 1);
    }

    /// <summary>The label stands in front of the next instruction.</summary>
    public void Place(BpfLabel label)
    {
        if (_labels[label.Number] >= 0) throw new InvalidOperationException("a label stands in one place");
        _labels[label.Number] = _code.Count;
    }

    /// <summary><c>dst = src</c>.</summary>
    public void Mov(BpfRegister dst, BpfRegister src) => Alu(BpfAlu.Mov, dst, src);

    /// <summary><c>dst = value</c>, sign-extended.</summary>
    public void Mov(BpfRegister dst, int value) => Alu(BpfAlu.Mov, dst, value);

    /// <summary><c>dst = dst op src</c>.</summary>
    public void Alu(BpfAlu op, BpfRegister dst, BpfRegister src) => Emit((byte)(Arithmetic | FromRegister | (byte)op), dst, src, 0, 0);

    /// <summary><c>dst = dst op value</c>; the value is sign-extended.</summary>
    public void Alu(BpfAlu op, BpfRegister dst, int value) => Emit((byte)(Arithmetic | (byte)op), dst, 0, 0, value);

    /// <summary><c>dst = dst op src</c>.</summary>
    public void Alu32(BpfAlu op, BpfRegister dst, BpfRegister src) => Emit((byte)(Arithmetic32 | FromRegister | (byte)op), dst, src, 0, 0);

    /// <summary><c>dst = dst op value</c>.</summary>
    public void Alu32(BpfAlu op, BpfRegister dst, int value) => Emit((byte)(Arithmetic32 | (byte)op), dst, 0, 0, value);

    /// <summary>The low <paramref name="bits"/> (16, 32, 64) from the machine's order to network order, or back; clears the rest.</summary>
    public void ToBigEndian(BpfRegister dst, int bits)
    {
        if (bits is not (16 or 32 or 64)) throw new ArgumentOutOfRangeException(nameof(bits));
        Emit(0xdc, dst, 0, 0, bits);
    }

    /// <summary><c>dst = *(size *)(address + offset)</c>, zero-extended.</summary>
    public void LoadFrom(BpfSize size, BpfRegister dst, BpfRegister address, int offset) => Emit((byte)(LoadMemory | (byte)size), dst, address, offset, 0);

    /// <summary><c>*(size *)(address + offset) = src</c>.</summary>
    public void Store(BpfSize size, BpfRegister address, int offset, BpfRegister src) => Emit((byte)(StoreMemory | (byte)size), address, src, offset, 0);

    /// <summary><c>*(size *)(address + offset) = value</c>.</summary>
    public void Store(BpfSize size, BpfRegister address, int offset, int value) => Emit((byte)(StoreImmediateMemory | (byte)size), address, 0, offset, value);

    /// <summary>Atomic operation on 32 or 64 bits of memory.</summary>
    public void Atomic(BpfAtomic op, BpfSize size, BpfRegister address, int offset, BpfRegister src)
    {
        if (size is not (BpfSize.Word or BpfSize.Double)) throw new ArgumentOutOfRangeException(nameof(size));
        Emit((byte)(AtomicMemory | (byte)size), address, src, offset, (int)op);
    }

    /// <summary><c>dst = value</c>, 64 bits.</summary>
    public void LoadImmediate(BpfRegister dst, ulong value) => Wide(dst, 0, (int)value, (int)(value >> 32));

    /// <summary><c>dst</c> = a map, for a call (<c>BPF_PSEUDO_MAP_FD</c>).</summary>
    public void LoadMap(BpfRegister dst, int mapDescriptor) => Wide(dst, 1, mapDescriptor, 0);

    /// <summary><c>dst</c> = address inside the value of an array of one element (<c>BPF_PSEUDO_MAP_VALUE</c>): no call, no check for null.</summary>
    public void LoadMapValue(BpfRegister dst, int mapDescriptor, int offset) => Wide(dst, 2, mapDescriptor, offset);

    /// <summary>Goes on at <paramref name="target"/>.</summary>
    public void Jump(BpfLabel target)
    {
        _jumps.Add((_code.Count, target.Number));
        Emit(JumpClass, 0, 0, 0, 0);
    }

    /// <summary>Goes on at <paramref name="target"/> if <c>left condition right</c>.</summary>
    public void Jump(BpfJump condition, BpfRegister left, BpfRegister right, BpfLabel target) => Conditional((byte)(JumpClass | FromRegister | (byte)condition), left, right, 0, target);

    /// <summary>Goes on at <paramref name="target"/> if <c>left condition value</c>; the value is sign-extended.</summary>
    public void Jump(BpfJump condition, BpfRegister left, int value, BpfLabel target) => Conditional((byte)(JumpClass | (byte)condition), left, 0, value, target);

    /// <summary>The same on the low 32 bits.</summary>
    public void Jump32(BpfJump condition, BpfRegister left, BpfRegister right, BpfLabel target) => Conditional((byte)(Jump32Class | FromRegister | (byte)condition), left, right, 0, target);

    /// <summary>The same on the low 32 bits.</summary>
    public void Jump32(BpfJump condition, BpfRegister left, int value, BpfLabel target) => Conditional((byte)(Jump32Class | (byte)condition), left, 0, value, target);

    /// <summary>Calls the kernel: arguments in R1 to R5, result in R0; R1 to R5 are lost.</summary>
    public void Call(BpfHelper helper) => Emit(0x85, 0, 0, 0, (int)helper);

    /// <summary>Ends the program with the result in R0.</summary>
    public void Exit() => Emit(0x95, 0, 0, 0, 0);

    /// <summary>The program.</summary>
    /// <exception cref="InvalidOperationException">A jump goes to a label that stands nowhere, or too far.</exception>
    public BpfInstruction[] Finish()
    {
        foreach ((int at, int label) in _jumps)
        {
            if (_labels[label] < 0) throw new InvalidOperationException($"instruction {at} jumps to a label that stands nowhere");
            int distance = _labels[label] - at - 1;
            if (distance is < short.MinValue or > short.MaxValue) throw new InvalidOperationException($"instruction {at} jumps over {distance} instructions");
            _code[at] = _code[at] with { Offset = (short)distance };
        }

        return [.. _code];
    }

    private void Conditional(byte code, BpfRegister left, BpfRegister right, int value, BpfLabel target)
    {
        _jumps.Add((_code.Count, target.Number));
        Emit(code, left, right, 0, value);
    }

    private void Wide(BpfRegister dst, int kind, int low, int high)
    {
        Emit(Load | Double, dst, (BpfRegister)kind, 0, low);
        Emit(0, 0, 0, 0, high);
    }

    private void Emit(byte code, BpfRegister dst, BpfRegister src, int offset, int immediate)
        => _code.Add(new BpfInstruction(code, (byte)((byte)dst | ((byte)src << 4)), checked((short)offset), immediate));
}

/// <summary>A place in a program. Made by <see cref="BpfAssembler.NewLabel"/>.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct BpfLabel
{
    internal BpfLabel(int number) => Number = number;

    internal int Number { get; }
}
