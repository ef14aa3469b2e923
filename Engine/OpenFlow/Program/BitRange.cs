using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// A run of bits in a <see cref="PipelineFlow"/>, narrowed to the bytes that hold it: what a <see cref="Subfield"/> is to the translator.
/// </summary>
/// <remarks>Values are right-aligned numbers. A run spans at most 16 bytes (a 128-bit container).</remarks>
internal readonly unsafe struct BitRange
{
    /// <summary>First byte.</summary>
    public readonly int Offset;

    /// <summary>Bytes touched, 1..16.</summary>
    public readonly int SizeBytes;

    /// <summary>Position of the run's bit 0 above the last byte's bit 0.</summary>
    public readonly int Shift;

    /// <summary>The bits of a value that exist, right-aligned.</summary>
    public readonly UInt128 Mask;

    /// <summary>The run is of <c>OXM_OF_IN_PORT</c>, in which reserved ports have the 32-bit numbers of OpenFlow 1.1+; a flow has them in 16 bits.</summary>
    public readonly bool IsWidePort;

    /// <summary>Bits <paramref name="start"/>.. of <paramref name="field"/>; what lies beyond its container reads as zero and cannot be written.</summary>
    public BitRange(Field field, int start, int bitCount)
    {
        int low = field.Shift + start;
        int width = Math.Clamp((8 * field.SizeBytes) - low, 0, bitCount);
        if (width == 0)
        {
            (Offset, SizeBytes) = (field.Offset, 1);
            return;
        }

        // All of a port's number tells what any bit of its other form is.
        IsWidePort = field.Id == FieldId.InPortOxm;
        int highByte = IsWidePort ? field.SizeBytes - 1 : (low + width - 1) / 8, lowByte = IsWidePort ? 0 : low / 8;
        Offset = field.Offset + field.SizeBytes - 1 - highByte;
        SizeBytes = highByte - lowByte + 1;
        Shift = low - (8 * lowByte);
        Mask = (width == 128 ? UInt128.MaxValue : (UInt128.One << width) - 1) & (field.OwnedBits >> start);
    }

    public BitRange(Subfield subfield)
        : this(subfield.Field, subfield.Start, subfield.BitCount)
    {
    }

    /// <summary>The run's value in <paramref name="flow"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public UInt128 Read(byte* flow)
    {
        if (SizeBytes <= 8) return ReadSmall(flow);
        UInt128 v = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(flow + Offset));
        for (int i = 8; i < SizeBytes; i++) v = (v << 8) | flow[Offset + i];
        return (v >> Shift) & Mask;
    }

    /// <summary>The same for a run of at most eight bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadSmall(byte* flow)
    {
        ulong v = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ulong>(flow + Offset)) >> (64 - (8 * SizeBytes));
        if (IsWidePort) v = OfPorts.Widen((uint)v);
        return (v >> Shift) & (ulong)Mask;
    }

    /// <summary>The port, in 16 bits, that <paramref name="port"/> becomes when the run, which is of <c>OXM_OF_IN_PORT</c>, is written; none if there can be no such port.</summary>
    public uint PortWith(uint port, UInt128 value)
    {
        uint bits = (uint)Mask << Shift;
        _ = OfPorts.TryNarrow((OfPorts.Widen(port) & ~bits) | (((uint)value << Shift) & bits), out uint narrow);
        return narrow;
    }

    /// <summary>The run as one or two patches that write <paramref name="value"/> under <paramref name="mask"/>, both right-aligned.</summary>
    public FieldPatch Patch(UInt128 value, UInt128 mask)
    {
        mask &= Mask;
        value &= mask;
        if (SizeBytes <= 8)
        {
            int up = 64 - (8 * SizeBytes) + Shift;
            return new FieldPatch(Offset, ToMemory((ulong)mask << up), ToMemory((ulong)value << up), Offset, 0, 0);
        }

        int lift = 128 - (8 * SizeBytes) + Shift;
        UInt128 m = mask << lift;
        UInt128 v = value << lift;
        return new FieldPatch(
            Offset, ToMemory((ulong)(m >> 64)), ToMemory((ulong)(v >> 64)), Offset + 8, ToMemory((ulong)m), ToMemory((ulong)v));
    }

    private static ulong ToMemory(ulong bigEndian) => BinaryPrimitives.ReverseEndianness(bigEndian);
}
