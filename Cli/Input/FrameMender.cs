using System.Buffers.Binary;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>
/// Finds frames whose checksum of IPv4, TCP, UDP, ICMP or ICMPv6 is wrong, as in captures taken on the sending host before its NIC filled them in, and makes them right.
/// Connection tracking takes such packets as invalid.
/// </summary>
internal sealed class FrameMender : IDisposable
{
    private const PacketFlags Bad = PacketFlags.IpCsumBad | PacketFlags.L4CsumBad;

    private readonly PacketPool _pool;

    /// <param name="longestBytes">Longest frame.</param>
    public FrameMender(int longestBytes) => _pool = new PacketPool(1, Math.Max(2048, longestBytes));

    /// <summary>Is a checksum wrong?</summary>
    public bool IsWrong(ReadOnlySpan<byte> frame)
    {
        PacketRef packet = _pool.RentRef(frame, 1);
        packet.VerifyChecksums();
        bool isWrong = (packet.Flags & Bad) != 0 || IsWrongIcmp(frame, packet);
        _pool.Return(packet);
        return isWrong;
    }

    /// <summary>Corrects what is wrong.</summary>
    public void Mend(Span<byte> frame)
    {
        PacketRef packet = _pool.RentRef(frame, 1);
        packet.VerifyChecksums();
        bool isWrongIcmp = IsWrongIcmp(frame, packet);
        if ((packet.Flags & Bad) != 0 || isWrongIcmp) Mend(frame, packet, isWrongIcmp);
        _pool.Return(packet);
    }

    /// <summary>Has the capture kept less of a frame than its headers up to the transport's?</summary>
    /// <param name="frame">As long as on the wire.</param>
    /// <param name="capturedBytes">What is true of it.</param>
    public bool EndsInsideHeaders(ReadOnlySpan<byte> frame, int capturedBytes)
    {
        PacketRef packet = _pool.RentRef(frame, 1);
        packet.Extract();
        int l3 = packet.Descriptor.L3Offset, l4 = packet.Descriptor.L4Offset;
        int needed = l4 != Packet.NoOffset
            ? l4 + (packet.Key.NwProto == IpProto.Tcp ? Math.Max(20, (frame[Math.Min(l4 + 12, frame.Length - 1)] >> 4) * 4) : 8)
            : l3 != Packet.NoOffset ? l3 + 40 : 18;
        _pool.Return(packet);
        return capturedBytes < Math.Min(needed, frame.Length);
    }

    public void Dispose() => _pool.Dispose();

    /// <summary>Devices give no verdict on ICMP, but connection tracking does.</summary>
    private static bool IsWrongIcmp(ReadOnlySpan<byte> frame, PacketRef packet)
    {
        int l3 = packet.Descriptor.L3Offset, l4 = packet.Descriptor.L4Offset;
        byte proto = packet.Key.NwProto;
        bool isIpv4 = packet.Key.DlType.Host == EthType.Ip;
        if (l4 == Packet.NoOffset || packet.Key.NwFrag != NwFrag.No || !(isIpv4 ? proto == IpProto.Icmp : packet.Key.DlType.Host == EthType.Ipv6 && proto == IpProto.Icmpv6)) return false;
        ReadOnlySpan<byte> message = frame[l4..^packet.Descriptor.L2PadBytes];
        return message.Length >= 8 && (isIpv4 ? InternetChecksum.Compute(message) : InternetChecksum.UpperLayer6(frame[l3..l4], message, proto)) != 0;
    }

    private static void Mend(Span<byte> frame, PacketRef packet, bool isWrongIcmp)
    {
        int l3 = packet.Descriptor.L3Offset, l4 = packet.Descriptor.L4Offset;
        bool isIpv4 = packet.Key.DlType.Host == EthType.Ip;
        Span<byte> ip = frame[l3..l4];
        if (isIpv4)
        {
            ip[10] = ip[11] = 0;
            Write(ip[10..], InternetChecksum.Compute(ip));
        }

        if ((packet.Flags & PacketFlags.L4CsumBad) == 0 && !isWrongIcmp) return;
        byte proto = packet.Key.NwProto;
        int at = proto switch
        {
            IpProto.Tcp => 16,
            IpProto.Udp => 6,
            IpProto.Icmp or IpProto.Icmpv6 => 2,
            _ => -1,
        };
        Span<byte> segment = frame[l4..^packet.Descriptor.L2PadBytes];
        if (at < 0 || segment.Length < at + 2) return;
        Span<byte> sum = segment[at..];
        sum[0] = sum[1] = 0;
        ushort now = !isIpv4 ? InternetChecksum.UpperLayer6(ip, segment, proto)
            : proto == IpProto.Icmp ? InternetChecksum.Compute(segment)
            : InternetChecksum.Fold(InternetChecksum.Sum(segment, InternetChecksum.PseudoHeaderV4(ip)));
        Write(sum, now == 0 && proto == IpProto.Udp ? ushort.MaxValue : now);
    }

    /// <summary>Checksums are kept as they stand in the packet.</summary>
    private static void Write(Span<byte> at, ushort raw) => BinaryPrimitives.WriteUInt16LittleEndian(at, raw);
}
