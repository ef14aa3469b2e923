using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Bits to write, as one or two unaligned 8-byte windows in memory order.</summary>
internal readonly unsafe struct FieldPatch(int offset0, ulong mask0, ulong value0, int offset1, ulong mask1, ulong value1)
{
    public readonly int Offset0 = offset0;
    public readonly int Offset1 = offset1;
    public readonly ulong Mask0 = mask0;
    public readonly ulong Value0 = value0;
    public readonly ulong Mask1 = mask1;
    public readonly ulong Value1 = value1;

    /// <summary>Writes the value's bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(byte* flow)
    {
        ulong w = Unsafe.ReadUnaligned<ulong>(flow + Offset0);
        Unsafe.WriteUnaligned(flow + Offset0, (w & ~Mask0) | Value0);
        if (Mask1 == 0) return;
        w = Unsafe.ReadUnaligned<ulong>(flow + Offset1);
        Unsafe.WriteUnaligned(flow + Offset1, (w & ~Mask1) | Value1);
    }

    /// <summary>Clears the written bits in <paramref name="bitmap"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Clear(byte* bitmap)
    {
        Unsafe.WriteUnaligned(bitmap + Offset0, Unsafe.ReadUnaligned<ulong>(bitmap + Offset0) & ~Mask0);
        if (Mask1 != 0) Unsafe.WriteUnaligned(bitmap + Offset1, Unsafe.ReadUnaligned<ulong>(bitmap + Offset1) & ~Mask1);
    }

    /// <summary>Adds the bits of <paramref name="live"/> under the mask to <paramref name="wildcards"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Consult(byte* wildcards, byte* live)
    {
        ulong w = Unsafe.ReadUnaligned<ulong>(live + Offset0) & Mask0;
        if (w != 0) Unsafe.WriteUnaligned(wildcards + Offset0, Unsafe.ReadUnaligned<ulong>(wildcards + Offset0) | w);
        if (Mask1 == 0) return;
        w = Unsafe.ReadUnaligned<ulong>(live + Offset1) & Mask1;
        if (w != 0) Unsafe.WriteUnaligned(wildcards + Offset1, Unsafe.ReadUnaligned<ulong>(wildcards + Offset1) | w);
    }
}
