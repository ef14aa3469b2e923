namespace Mergeflow.PropertyTests;

/// <summary>The Internet checksum as RFC 1071 and RFC 1624 tell it, one 16-bit word at a time.</summary>
internal static class OnesComplement
{
    /// <summary>Adds the words of <paramref name="bytes"/>; an odd last byte is padded with zero.</summary>
    public static ulong Sum(ReadOnlySpan<byte> bytes, ulong start = 0)
    {
        ulong sum = start;
        for (int i = 0; i + 1 < bytes.Length; i += 2) sum += Wire.U16(bytes, i);
        if (bytes.Length % 2 == 1) sum += (ulong)bytes[^1] << 8;
        return sum;
    }

    /// <summary>Folds the carries and complements.</summary>
    public static ushort Finish(ulong sum)
    {
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    /// <summary>RFC 1624 equation 3: the checksum after <paramref name="bits"/> bits changed from old to new.</summary>
    public static ushort Update(ushort checksum, UInt128 oldValue, UInt128 newValue, int bits)
    {
        ulong sum = (ushort)~checksum;
        for (int shift = 0; shift < bits; shift += 16)
        {
            sum += (ushort)~(ulong)((oldValue >> shift) & 0xffff);
            sum += (ulong)((newValue >> shift) & 0xffff);
        }

        return Finish(sum);
    }

    /// <summary>Sum of the pseudo header of an IPv4 or IPv6 packet (RFC 793, RFC 8200 8.1).</summary>
    public static ulong PseudoHeader(ReadOnlySpan<byte> l3, bool isIpv6, byte proto, int l4SizeBytes)
        => Sum(isIpv6 ? l3.Slice(8, 32) : l3.Slice(12, 8)) + proto + (ulong)(l4SizeBytes >> 16) + (ulong)(l4SizeBytes & 0xffff);
}
