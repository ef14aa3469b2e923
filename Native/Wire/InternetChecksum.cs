using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Native;

/// <summary>
/// The Internet checksum (RFC 1071), with the exact results of Open vSwitch (<c>lib/csum.c</c>).
/// </summary>
/// <remarks>
/// Words are summed as they lie in memory. The ones-complement sum does not care about byte order, so a folded sum can be stored
/// as it is: every 16-bit value here is a <see cref="Be16.Raw"/>, in the order of the packet. A partial sum is 0 only if every
/// word was 0, which is what decides between 0x0000 and 0xffff at the end.
/// </remarks>
public static unsafe partial class InternetChecksum
{
    /// <summary>Adds <paramref name="lengthBytes"/> bytes to a partial sum (OVS <c>csum_continue</c>). Reads no byte beyond them.</summary>
    /// <param name="p">First byte, any alignment.</param>
    /// <param name="lengthBytes">Number of bytes; an odd last byte counts as if a zero byte followed.</param>
    /// <param name="seed">Partial sum so far, 0 to start.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Sum(byte* p, int lengthBytes, uint seed = 0)
        => Vector256.IsHardwareAccelerated && lengthBytes >= MinVectorBytes ? SumVector256(p, lengthBytes, seed) : SumScalar(p, lengthBytes, seed);

    /// <inheritdoc cref="Sum(byte*, int, uint)"/>
    public static uint Sum(ReadOnlySpan<byte> bytes, uint seed = 0)
    {
        fixed (byte* p = bytes) return Sum(p, bytes.Length, seed);
    }

    /// <summary>The checksum of a partial sum: folded to 16 bits and complemented (OVS <c>csum_finish</c>).</summary>
    /// <returns>In packet order, to be stored as it is.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Fold(uint partial)
    {
        partial = (partial & 0xffff) + (partial >> 16);
        partial = (partial & 0xffff) + (partial >> 16);
        return (ushort)~partial;
    }

    /// <summary>The checksum of a block (OVS <c>csum</c>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Compute(byte* p, int lengthBytes) => Fold(Sum(p, lengthBytes, 0));

    /// <inheritdoc cref="Compute(byte*, int)"/>
    public static ushort Compute(ReadOnlySpan<byte> bytes) => Fold(Sum(bytes, 0));

    /// <summary>Brings a sum back to 32 bits; 2^32 is 1 in this arithmetic, and a sum that is not 0 stays so.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint EndAround(ulong sum)
    {
        sum = (uint)sum + (sum >> 32);
        return (uint)sum + (uint)(sum >> 32);
    }
}
