using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

public static unsafe partial class InternetChecksum
{
    /// <summary>The checksum after a 16-bit field changed (OVS <c>recalc_csum16</c>, RFC 1624 equation 3). All values in packet order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Recalc16(ushort oldChecksum, ushort oldRaw, ushort newRaw)
        => Fold((uint)(ushort)~oldChecksum + (ushort)~oldRaw + newRaw);

    /// <summary>The checksum after a 32-bit field changed (OVS <c>recalc_csum32</c>). All values in packet order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Recalc32(ushort oldChecksum, uint oldRaw, uint newRaw)
        => FoldChange((ushort)~oldChecksum + (ulong)~oldRaw + newRaw);

    /// <summary>The checksum after a 6-byte field, an Ethernet address, changed (OVS <c>recalc_csum48</c>).</summary>
    /// <param name="oldChecksum">In packet order.</param>
    /// <param name="oldBytes">The six bytes that were there.</param>
    /// <param name="newBytes">The six bytes that are there now.</param>
    public static ushort Recalc48(ushort oldChecksum, byte* oldBytes, byte* newBytes)
    {
        ulong sum = (ushort)~oldChecksum + (ulong)~Unsafe.ReadUnaligned<uint>(oldBytes) + (ushort)~Unsafe.ReadUnaligned<ushort>(oldBytes + 4);
        return FoldChange(sum + Unsafe.ReadUnaligned<uint>(newBytes) + Unsafe.ReadUnaligned<ushort>(newBytes + 4));
    }

    /// <summary>The checksum after a 16-byte field, an IPv6 address, changed (OVS <c>recalc_csum128</c>).</summary>
    /// <param name="oldChecksum">In packet order.</param>
    /// <param name="oldBytes">The sixteen bytes that were there.</param>
    /// <param name="newBytes">The sixteen bytes that are there now.</param>
    public static ushort Recalc128(ushort oldChecksum, byte* oldBytes, byte* newBytes)
    {
        ulong sum = (ushort)~oldChecksum;
        for (int i = 0; i < 16; i += 4) sum += (ulong)~Unsafe.ReadUnaligned<uint>(oldBytes + i) + Unsafe.ReadUnaligned<uint>(newBytes + i);
        return FoldChange(sum);
    }

    /// <summary>
    /// A UDP checksum as it goes on the wire: 0 means "no checksum" there, so a computed 0 is sent as 0xffff (RFC 768).
    /// OVS does this behind each change of a UDP header whose checksum was not 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort UdpOnWire(ushort checksum) => checksum == 0 ? (ushort)0xffff : checksum;

    /// <summary>
    /// Folding once at the end gives what OVS gets by folding after each 16 bits: both results are congruent modulo 0xffff, and both
    /// sums are 0 only when every addend is 0.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ushort FoldChange(ulong sum) => Fold(EndAround(sum));
}
