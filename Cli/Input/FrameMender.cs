using System.Buffers.Binary;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>
/// Finds frames whose TCP or UDP checksum is wrong, as in captures taken on the sending host before its NIC filled them in, and makes them
/// right if asked to. Connection tracking takes such packets as invalid.
/// </summary>
internal static class ChecksumRepair
{
    private const int TcpChecksumOffset = 16;
    private const int UdpChecksumOffset = 6;

    /// <summary>Counts the frames with a wrong checksum of IPv4, TCP or UDP; with <paramref name="repair"/> they are corrected in place.</summary>
    public static int Check(IReadOnlyList<byte[]> frames, bool repair)
    {
        const PacketFlags Bad = PacketFlags.IpCsumBad | PacketFlags.L4CsumBad;
        using var pool = new PacketPool(1, Math.Max(2048, frames.Max(f => f.Length)));
        int found = 0;
        foreach (byte[] frame in frames)
        {
            PacketRef packet = pool.RentRef(frame, 1);
            packet.VerifyChecksums();
            if ((packet.Flags & Bad) != 0)
            {
                found++;
                if (repair) Repair(frame, packet);
            }

            pool.Return(packet);
        }

        return found;
    }

    private static void Repair(byte[] frame, PacketRef packet)
    {
        int l3 = packet.Descriptor.L3Offset, l4 = packet.Descriptor.L4Offset;
        bool isIpv4 = packet.Key.DlType.Host == EthType.Ip;
        Span<byte> ip = frame.AsSpan(l3, l4 - l3);
        if (isIpv4)
        {
            ip[10] = ip[11] = 0;
            Write(ip[10..], InternetChecksum.Compute(ip));
        }

        if ((packet.Flags & PacketFlags.L4CsumBad) == 0) return;
        byte proto = packet.Key.NwProto;
        Span<byte> segment = frame.AsSpan(l4, frame.Length - l4 - packet.Descriptor.L2PadBytes);
        Span<byte> sum = segment[(proto == IpProto.Tcp ? TcpChecksumOffset : UdpChecksumOffset)..];
        sum[0] = sum[1] = 0;
        ushort now = isIpv4
            ? InternetChecksum.Fold(InternetChecksum.Sum(segment, InternetChecksum.PseudoHeaderV4(ip)))
            : InternetChecksum.UpperLayer6(ip, segment, proto);
        Write(sum, now == 0 && proto == IpProto.Udp ? ushort.MaxValue : now);
    }

    /// <summary>Checksums are kept as they stand in the packet.</summary>
    private static void Write(Span<byte> at, ushort raw) => BinaryPrimitives.WriteUInt16LittleEndian(at, raw);
}
