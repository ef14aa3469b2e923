using Mergeflow.Native;
using static Mergeflow.Native.BpfRegister;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// Writes the programs at the kernel's tracepoints that say where a frame was lost. Each finds the device of the frame, and if it is one of ours in this namespace, counts: by place of the port, direction and reason.
/// </summary>
/// <param name="devices">Map from the number of a device to the first counter of what it receives, and to the number of the port's own device.</param>
/// <param name="counts">Array of one element: <see cref="Places"/> times <see cref="Groups"/> times <see cref="Reasons"/> counters.</param>
/// <param name="at">Where members of the kernel's structures lie.</param>
/// <param name="netNamespace">Number of the namespace (<c>/proc/self/ns/net</c>).</param>
/// <param name="notOurs">Reason of frames that have reached the host's stack and are for another host; negative = unknown. Next to a packet socket that is every frame, so it is asked first.</param>
internal sealed class KernelDropProgram(BpfMap devices, BpfMap counts, KernelDropOffsets at, uint netNamespace, int notOurs)
{
    /// <summary>Ports that can be told apart.</summary>
    public const int Places = 256;

    /// <summary>Groups of counters of a port: received by its own device; sent; received, and on the way through the TAP to the packet thread; nothing.</summary>
    public const int Groups = 4, Sent = 1, AtTap = 2;

    /// <summary>Reasons that can be told apart (<c>enum skb_drop_reason</c>); what is beyond is <see cref="Other"/>.</summary>
    public const int Reasons = 256;

    /// <summary>Places for reasons that are not the kernel's numbers: a program or the kernel could not go on with an XDP frame; a redirect by XDP was refused; a device did not take one; another subsystem's.</summary>
    public const int XdpException = 252, XdpRedirect = 253, XdpTransmit = 254, Other = 255;

    /// <summary>
    /// Bytes of the counters in <c>counts</c>. Behind them stand the turn, which grows by <see cref="Turn"/> whenever a device becomes one of ours, and <see cref="Strangers"/> devices that have been found to be none of ours: the
    /// kernel's address of each, exclusive-or the turn in which it was found. Most frames that a kernel frees are others', and reading its structures costs some 60 ns a frame.
    /// </summary>
    public const int CounterBytes = Places * Groups * Reasons * sizeof(ulong);

    /// <summary>Devices that are kept as none of ours.</summary>
    public const int Strangers = 64;

    /// <summary>Bytes of <c>counts</c>.</summary>
    public const int CountBytes = CounterBytes + ((1 + Strangers) * sizeof(ulong));

    /// <summary>The lowest of the 16 bits that are the same in all addresses of the kernel.</summary>
    public const ulong Turn = 1UL << 48;

    private const int Pointer = -8, Word = -16, StrangerAt = -24, Stranger = -32, Argument = sizeof(ulong);

    private readonly BpfAssembler _a = new();
    private BpfLabel _end, _stranger;

    /// <summary><c>kfree_skb(skb, location, reason)</c>: one frame. Received if it has come in by the port's device, else sent.</summary>
    public BpfInstruction[] FreedSkb()
    {
        Begin();
        _a.LoadFrom(BpfSize.Double, R7, R6, 0);
        _a.LoadFrom(BpfSize.Word, R8, R6, 2 * Argument);
        _a.Jump32(BpfJump.Equal, R8, notOurs, _end);
        BpfLabel known = _a.NewLabel();
        _a.Jump32(BpfJump.Below, R8, XdpException, known);
        _a.Mov(R8, Other);
        _a.Place(known);
        Read(Pointer, 8, R7, at.SkbDevice);
        _a.LoadFrom(BpfSize.Double, R9, R10, Pointer);
        FindDevice();
        Read(Word, 4, R7, at.SkbReceivedBy);
        _a.LoadFrom(BpfSize.Word, R1, R10, Word);
        _a.LoadFrom(BpfSize.Word, R2, R9, 4);
        _a.Mov(R7, 1);
        _a.LoadFrom(BpfSize.Word, R3, R9, 0);
        BpfLabel received = _a.NewLabel();
        _a.Jump32(BpfJump.Equal, R1, R2, received);
        IsSent();
        _a.Place(received);
        Count();
        return _a.Finish();
    }

    /// <summary><c>xdp_exception(dev, program, action)</c> and <c>xdp_redirect_err(dev, program, target, error, ..)</c>: one frame that was received.</summary>
    public BpfInstruction[] Received(int reason)
    {
        Begin();
        _a.LoadFrom(BpfSize.Double, R9, R6, 0);
        FindDevice();
        _a.LoadFrom(BpfSize.Word, R3, R9, 0);
        _a.Mov(R8, reason);
        _a.Mov(R7, 1);
        Count();
        return _a.Finish();
    }

    /// <summary><c>xdp_devmap_xmit(from, to, sent, drops, error)</c>: frames to be sent.</summary>
    public BpfInstruction[] Transmitted()
    {
        Begin();
        _a.LoadFrom(BpfSize.Word, R7, R6, 3 * Argument);
        _a.Jump32(BpfJump.LessOrEqual, R7, 0, _end);
        _a.LoadFrom(BpfSize.Double, R9, R6, Argument);
        FindDevice();
        _a.LoadFrom(BpfSize.Word, R3, R9, 0);
        IsSent();
        _a.Mov(R8, XdpTransmit);
        Count();
        return _a.Finish();
    }

    private void Begin()
    {
        _end = _a.NewLabel();
        _stranger = _a.NewLabel();
        _a.Mov(R6, R1);
    }

    /// <summary>R9: a device of the kernel, then its entry of the map. Another one's ends the program.</summary>
    private void FindDevice()
    {
        _a.Jump(BpfJump.Equal, R9, 0, _end);
        _a.Mov(R2, R9);
        _a.Alu(BpfAlu.Rsh, R2, 12);
        _a.Alu(BpfAlu.Xor, R2, R9);
        _a.Alu(BpfAlu.Rsh, R2, 6);
        _a.Alu(BpfAlu.And, R2, Strangers - 1);
        _a.Alu(BpfAlu.Mul, R2, sizeof(ulong));
        _a.LoadMapValue(R1, counts.Descriptor, CounterBytes);
        _a.LoadFrom(BpfSize.Double, R3, R1, 0);
        _a.Alu(BpfAlu.Xor, R3, R9);
        _a.Alu(BpfAlu.Add, R1, R2);
        _a.LoadFrom(BpfSize.Double, R2, R1, sizeof(ulong));
        _a.Jump(BpfJump.Equal, R2, R3, _end);
        _a.Store(BpfSize.Double, R10, StrangerAt, R1);
        _a.Store(BpfSize.Double, R10, Stranger, R3);
        Read(Pointer, 8, R9, at.DeviceNamespace);
        _a.LoadFrom(BpfSize.Double, R1, R10, Pointer);
        Read(Word, 4, R1, at.NamespaceNumber);
        _a.LoadFrom(BpfSize.Word, R1, R10, Word);
        _a.Jump32(BpfJump.NotEqual, R1, (int)netNamespace, _stranger);
        Read(Word, 4, R9, at.DeviceIndex);
        _a.LoadMap(R1, devices.Descriptor);
        _a.Mov(R2, R10);
        _a.Alu(BpfAlu.Add, R2, Word);
        _a.Call(BpfHelper.MapLookup);
        _a.Jump(BpfJump.Equal, R0, 0, _stranger);
        _a.Mov(R9, R0);
    }

    /// <summary>R3: from the first counter of what is received to that of what is sent.</summary>
    private void IsSent()
    {
        _a.Alu(BpfAlu.And, R3, ~((Groups * Reasons) - 1));
        _a.Alu(BpfAlu.Add, R3, Sent * Reasons);
    }

    /// <summary>Adds R7 to the counter of reason R8 behind R3.</summary>
    private void Count()
    {
        _a.Alu(BpfAlu.And, R8, Reasons - 1);
        _a.Alu(BpfAlu.Add, R3, R8);
        _a.Alu(BpfAlu.And, R3, (Places * Groups * Reasons) - 1);
        _a.Alu(BpfAlu.Mul, R3, sizeof(ulong));
        _a.LoadMapValue(R2, counts.Descriptor, 0);
        _a.Alu(BpfAlu.Add, R2, R3);
        _a.Atomic(BpfAtomic.Add, BpfSize.Double, R2, 0, R7);
        _a.Jump(_end);
        _a.Place(_stranger);
        _a.LoadFrom(BpfSize.Double, R1, R10, StrangerAt);
        _a.LoadFrom(BpfSize.Double, R2, R10, Stranger);
        _a.Store(BpfSize.Double, R1, sizeof(ulong), R2);
        _a.Place(_end);
        _a.Mov(R0, 0);
        _a.Exit();
    }

    /// <summary>Reads kernel memory to the stack; what cannot be read is 0.</summary>
    private void Read(int to, int bytes, BpfRegister from, int offset)
    {
        _a.Mov(R3, from);
        _a.Alu(BpfAlu.Add, R3, offset);
        _a.Mov(R1, R10);
        _a.Alu(BpfAlu.Add, R1, to);
        _a.Mov(R2, bytes);
        _a.Call(BpfHelper.ProbeReadKernel);
    }
}
