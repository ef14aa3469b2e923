using System.Buffers.Binary;
using System.Globalization;

namespace Mergeflow.PropertyTests;

/// <summary>A tunnel port of the model. IPv4 outside.</summary>
/// <param name="Port">Number of the port.</param>
/// <param name="IsGeneve">Geneve, or VXLAN.</param>
/// <param name="Remote">Peer.</param>
/// <param name="Key">Key of both directions; null = the flow's.</param>
/// <param name="HasChecksum">UDP checksums are sent.</param>
internal sealed record RefTunnel(uint Port, bool IsGeneve, uint Remote, uint? Key, bool HasChecksum);

/// <summary>What a rule of the model does: its packets are the ones of a port (and, on tunnels, a key).</summary>
/// <param name="InPort">Port.</param>
/// <param name="Key">Key of the tunnel; null = any.</param>
/// <param name="DecrementsTtl">One less, in the packet.</param>
/// <param name="Tos">ToS without ECN that is written; null = none.</param>
/// <param name="NewDestination">Ethernet destination that is written; null = none.</param>
/// <param name="NewKey">Key that is written; null = none.</param>
/// <param name="NewOption">Option that is written; null = none.</param>
/// <param name="Outputs">Ports, in order.</param>
internal sealed record RefTunnelRule(uint InPort, uint? Key, bool DecrementsTtl, byte? Tos, ulong? NewDestination, uint? NewKey, uint? NewOption, IReadOnlyList<uint> Outputs);

/// <summary>
/// Tunnels by RFC 7348, RFC 8926 and RFC 6040, a packet at a time and byte by byte: shares no code with the engine. Frames outside are told as text without what a sender may choose (UDP source port), once their lengths
/// and checksums were found good.
/// </summary>
/// <param name="tunnels">Tunnel ports, the most specific first.</param>
/// <param name="own">IP address of the switch outside.</param>
/// <param name="underlay">Port below.</param>
internal sealed class RefTunnels(IReadOnlyList<RefTunnel> tunnels, uint own, uint underlay)
{
    private const int Ethernet = 14;

    /// <summary>What a frame is, inside: the port that it is from, with key and option; null = dropped.</summary>
    public (uint Port, uint Key, uint? Option, byte[] Frame)? Enter(uint port, byte[] frame)
    {
        if (port != underlay) return (port, 0, null, (byte[])frame.Clone());
        Span<byte> ip = frame.AsSpan(Ethernet);
        uint source = BinaryPrimitives.ReadUInt32BigEndian(ip[12..]);
        int outerEcn = ip[1] & 3;
        Span<byte> udp = ip[20..];
        ushort destination = BinaryPrimitives.ReadUInt16BigEndian(udp[2..]);
        bool isGeneve = destination == 6081;
        if (!isGeneve && destination != 4789) return null;
        if (BinaryPrimitives.ReadUInt16BigEndian(udp[6..]) != 0 && !IsUdpGood(ip)) return null;
        Span<byte> tunnel = udp[8..];
        uint key = BinaryPrimitives.ReadUInt32BigEndian(tunnel[4..]) >> 8;
        int options = isGeneve ? (tunnel[0] & 0x3f) * 4 : 0;
        uint? option = options > 0 ? BinaryPrimitives.ReadUInt32BigEndian(tunnel[12..]) : null;
        RefTunnel? to = tunnels.FirstOrDefault(t => t.IsGeneve == isGeneve && t.Remote == source && (t.Key is null || t.Key == key));
        if (to is null) return null;
        byte[] inner = tunnel[(8 + options)..].ToArray();
        if (outerEcn == 3)
        {
            if ((inner[Ethernet + 1] & 3) == 0) return null;
            inner[Ethernet + 1] |= 3;
            FinishIp(inner.AsSpan(Ethernet));
        }

        return (to.Port, key, option, inner);
    }

    /// <summary>What leaves when a packet meets the first of the rules that is for it; as <c>PORT: text</c>.</summary>
    public IEnumerable<string> Forward(uint port, byte[] frame, IReadOnlyList<RefTunnelRule> rules)
    {
        if (Enter(port, frame) is not { } packet || rules.FirstOrDefault(r => r.InPort == packet.Port && (r.Key is null || r.Key == packet.Key)) is not { } rule) yield break;
        byte[] inner = packet.Frame;
        if (rule.DecrementsTtl)
        {
            if (inner[Ethernet + 8] <= 1) yield break;
            inner[Ethernet + 8]--;
        }

        if (rule.Tos is { } tos) inner[Ethernet + 1] = (byte)((inner[Ethernet + 1] & 3) | tos);
        if (rule.NewDestination is { } mac)
        {
            for (int i = 0; i < 6; i++) inner[i] = (byte)(mac >> (40 - (8 * i)));
        }

        FinishIp(inner.AsSpan(Ethernet));
        (uint key, uint? option) = (rule.NewKey ?? packet.Key, rule.NewOption ?? packet.Option);
        foreach (uint to in rule.Outputs)
        {
            if (to == packet.Port) continue;
            if (tunnels.FirstOrDefault(t => t.Port == to) is not { } tunnel) yield return $"{to}: {Convert.ToHexStringLower(inner)}";
            else yield return $"{underlay}: {Outside(tunnel, tunnel.Key ?? key, tunnel.IsGeneve ? option : null, inner)}";
        }
    }

    /// <summary>What a frame that has left below is, as <see cref="Forward"/> tells it; its lengths and checksums have to be good.</summary>
    public string Describe(byte[] frame)
    {
        Span<byte> ip = frame.AsSpan(Ethernet), udp = ip[20..], tunnel = udp[8..];
        bool isGeneve = BinaryPrimitives.ReadUInt16BigEndian(udp[2..]) == 6081;
        bool isSound = BinaryPrimitives.ReadUInt16BigEndian(ip[2..]) == ip.Length && BinaryPrimitives.ReadUInt16BigEndian(udp[4..]) == udp.Length && Sum(ip[..20], 0) == 0xffff;
        bool hasChecksum = BinaryPrimitives.ReadUInt16BigEndian(udp[6..]) != 0;
        if (!isSound || (hasChecksum && !IsUdpGood(ip))) return "damaged " + Convert.ToHexStringLower(frame);
        int options = isGeneve ? (tunnel[0] & 0x3f) * 4 : 0;
        uint? option = options > 0 ? BinaryPrimitives.ReadUInt32BigEndian(tunnel[12..]) : null;
        return Text(isGeneve, BinaryPrimitives.ReadUInt32BigEndian(ip[12..]), BinaryPrimitives.ReadUInt32BigEndian(ip[16..]), ip[1], ip[8], ip[6], hasChecksum, BinaryPrimitives.ReadUInt32BigEndian(tunnel[4..]) >> 8, option, tunnel[(8 + options)..]);
    }

    /// <summary>A frame as a peer sends it.</summary>
    public static byte[] Encapsulate(bool isGeneve, uint source, uint destination, byte tos, uint key, uint? option, bool hasChecksum, byte[] inner)
    {
        int options = option is null ? 0 : 8;
        byte[] frame = new byte[Ethernet + 20 + 8 + 8 + options + inner.Length];
        Convert.FromHexString("0200000001010200000002020800").CopyTo(frame, 0);
        Span<byte> ip = frame.AsSpan(Ethernet), udp = ip[20..], tunnel = udp[8..];
        (ip[0], ip[1], ip[8], ip[9]) = (0x45, tos, 64, 17);
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], source);
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], destination);
        FinishIp(ip);
        BinaryPrimitives.WriteUInt16BigEndian(udp, 40_000);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], (ushort)(isGeneve ? 6081 : 4789));
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        if (isGeneve) BinaryPrimitives.WriteUInt16BigEndian(tunnel[2..], 0x6558);
        else tunnel[0] = 8;
        BinaryPrimitives.WriteUInt32BigEndian(tunnel[4..], key << 8);
        if (option is { } data)
        {
            tunnel[0] = 2;
            tunnel[1] = 0x40;
            BinaryPrimitives.WriteUInt32BigEndian(tunnel[8..], 0x01028001);
            BinaryPrimitives.WriteUInt32BigEndian(tunnel[12..], data);
        }

        inner.CopyTo(tunnel[(8 + options)..]);
        if (!hasChecksum) return frame;
        uint sum = Sum(udp, PseudoSum(ip));
        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], sum == 0xffff ? (ushort)0xffff : (ushort)~sum);
        return frame;
    }

    /// <summary>Computes the header checksum.</summary>
    public static void FinishIp(Span<byte> ip)
    {
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], (ushort)~Sum(ip[..20], 0));
    }

    /// <summary>Computes the checksum of UDP, TCP or ICMP behind the header; of UDP none if it is not wanted.</summary>
    public static void FinishTransport(Span<byte> ip, bool hasUdpSum)
    {
        Span<byte> l4 = ip[20..];
        int at = ip[9] == 17 ? 6 : ip[9] == 6 ? 16 : 2;
        BinaryPrimitives.WriteUInt16BigEndian(l4[at..], 0);
        if (ip[9] == 17 && !hasUdpSum) return;
        ushort sum = (ushort)~Sum(l4, ip[9] == 1 ? 0 : Sum(ip[12..20], (uint)(ip[9] + l4.Length)));
        BinaryPrimitives.WriteUInt16BigEndian(l4[at..], sum == 0 && ip[9] == 17 ? (ushort)0xffff : sum);
    }

    private string Outside(RefTunnel tunnel, uint key, uint? option, ReadOnlySpan<byte> inner)
    {
        int ecn = inner[Ethernet + 1] & 3;
        return Text(tunnel.IsGeneve, own, tunnel.Remote, (byte)(ecn == 3 ? 2 : ecn), 64, 0x40, tunnel.HasChecksum, key & 0xffffff, option, inner);
    }

    private static string Text(bool isGeneve, uint source, uint destination, byte tos, byte ttl, byte flags, bool hasChecksum, uint key, uint? option, ReadOnlySpan<byte> inner)
        => string.Create(CultureInfo.InvariantCulture, $"{(isGeneve ? "geneve" : "vxlan")} {source:x8}->{destination:x8} tos={tos} ttl={ttl} flags={flags:x2} csum={hasChecksum} key={key:x} option={option:x} {Convert.ToHexStringLower(inner)}");

    private static bool IsUdpGood(ReadOnlySpan<byte> ip) => Sum(ip[20..], PseudoSum(ip)) == 0xffff;

    private static uint PseudoSum(ReadOnlySpan<byte> ip) => Sum(ip[12..20], (uint)(17 + ip.Length - 20));

    private static uint Sum(ReadOnlySpan<byte> bytes, uint sum)
    {
        for (int i = 0; i < bytes.Length; i += 2) sum += (uint)((bytes[i] << 8) | (i + 1 < bytes.Length ? bytes[i + 1] : 0));
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return sum;
    }
}
