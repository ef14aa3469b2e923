namespace Mergeflow.Native;

/// <remarks>What only tests look at.</remarks>
public static unsafe partial class InternetChecksum
{
    /// <inheritdoc cref="PseudoHeaderV6(byte*)"/>
    public static uint PseudoHeaderV6(ReadOnlySpan<byte> ip6)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ip6.Length, 40);
        fixed (byte* p = ip6) return PseudoHeaderV6(p);
    }

    /// <inheritdoc cref="SumScalar(byte*, int, uint)"/>
    public static uint SumScalar(ReadOnlySpan<byte> bytes, uint seed)
    {
        fixed (byte* p = bytes) return SumScalar(p, bytes.Length, seed);
    }

    /// <inheritdoc cref="SumVector256(byte*, int, uint)"/>
    public static uint SumVector256(ReadOnlySpan<byte> bytes, uint seed)
    {
        fixed (byte* p = bytes) return SumVector256(p, bytes.Length, seed);
    }

    /// <inheritdoc cref="Recalc48(ushort, byte*, byte*)"/>
    public static ushort Recalc48(ushort oldChecksum, ReadOnlySpan<byte> oldBytes, ReadOnlySpan<byte> newBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(oldBytes.Length, 6);
        ArgumentOutOfRangeException.ThrowIfNotEqual(newBytes.Length, 6);
        fixed (byte* o = oldBytes, n = newBytes) return Recalc48(oldChecksum, o, n);
    }

    /// <inheritdoc cref="Recalc128(ushort, byte*, byte*)"/>
    public static ushort Recalc128(ushort oldChecksum, ReadOnlySpan<byte> oldBytes, ReadOnlySpan<byte> newBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(oldBytes.Length, 16);
        ArgumentOutOfRangeException.ThrowIfNotEqual(newBytes.Length, 16);
        fixed (byte* o = oldBytes, n = newBytes) return Recalc128(oldChecksum, o, n);
    }

    /// <summary>
    /// Partial sum of the pseudo-header of an IPv6 packet without extension headers, next header and length taken from the IPv6 header
    /// (OVS <c>packet_csum_pseudoheader6</c>).
    /// </summary>
    /// <param name="ip6">First byte of the IPv6 header.</param>
    public static uint PseudoHeaderV6(byte* ip6) => PseudoHeaderV6(ip6 + 8, ip6 + 24, ip6[6], (uint)((ip6[4] << 8) | ip6[5]));
}
