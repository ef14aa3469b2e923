using System.Buffers.Binary;

namespace Mergeflow.PropertyTests;

/// <summary>Tunnel ports, rules and packets by chance.</summary>
internal static class TunnelCases
{
    public const uint Below = 1, Own = 0xc0000201, PeerA = 0xc0000202, PeerB = 0xc0000203;

    /// <summary>As the options of a tunnel port: what is below it.</summary>
    public const string Underlay = "out=p1,addr=192.0.2.1,mac=02:00:00:00:01:01,gw_mac=02:00:00:00:02:02";

    /// <summary>The same over IPv6.</summary>
    public const string Underlay6 = "out=p1,addr=fd00::1,mac=02:00:00:00:01:01,gw_mac=02:00:00:00:02:02";

    /// <summary>The most specific first. Those that the model knows; GRE, and those over IPv6, are in <see cref="TunnelBed"/> only.</summary>
    public static readonly RefTunnel[] Tunnels =
    [
        new(12, false, PeerB, 77, false), new(10, true, PeerA, null, true), new(11, true, PeerB, null, false),
    ];

    public static readonly Dictionary<string, uint> Ports = new() { ["p1"] = 1, ["p2"] = 2, ["p3"] = 3, ["t10"] = 10, ["t11"] = 11, ["t12"] = 12, ["t13"] = 13, ["t14"] = 14, ["t15"] = 15, ["t16"] = 16 };

    private static readonly byte[] s_protocols = [17, 17, 6, 1];

    /// <summary>A set of rules with one output or several, the first of which takes a packet.</summary>
    public static RefTunnelRule[] Rules(Random random, bool mostlyOneOutput)
    {
        List<RefTunnelRule> rules = [];
        foreach (uint port in (uint[])[2, 3, 10, 11, 12])
        {
            if (port >= 10 && random.Next(2) == 0) rules.Add(Rule(random, port, (uint)(7 + random.Next(2)), mostlyOneOutput));
            if (random.Next(8) != 0) rules.Add(Rule(random, port, null, mostlyOneOutput));
        }

        return [.. rules];
    }

    private static RefTunnelRule Rule(Random random, uint port, uint? key, bool mostlyOneOutput)
    {
        uint[] all = [2, 3, 10, 11, 12];
        return new RefTunnelRule(port, key, random.Next(2) == 0, random.Next(3) == 0 ? (byte)(4 * random.Next(64)) : null, random.Next(2) == 0 ? 0x0200_0000_aa00UL + (ulong)random.Next(4) : null,
            random.Next(2) == 0 ? (uint)random.Next(1, 1 << 24) : null, random.Next(2) == 0 ? (uint)random.Next() : null, [.. all.OrderBy(_ => random.Next()).Take(mostlyOneOutput && random.Next(6) != 0 ? 1 : random.Next(1, 4))]);
    }

    /// <summary>A flow: a packet, of UDP if connections are tracked (nobody has opened others), where it comes from, and what it comes with.</summary>
    public static (byte[] Inner, uint Port, bool IsBelow, RefTunnel? Tunnel, uint Key, uint? Option) Flow(Random random, int i, bool isTracked)
    {
        byte[] inner = new byte[14 + 20 + 20 + random.Next(40)];
        random.NextBytes(inner);
        (inner[0], inner[6], inner[12], inner[13]) = (2, 2, 8, 0);
        Span<byte> ip = inner.AsSpan(14), udp = ip[20..];
        BinaryPrimitives.WriteUInt16BigEndian(ip, 0x4500);
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
        ip.Slice(4, 4).Clear();
        (ip[8], ip[9]) = (64, isTracked ? (byte)17 : s_protocols[random.Next(s_protocols.Length)]);
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], 0x0a000000 + (uint)i);
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], 0x0a000100 + (uint)i);
        BinaryPrimitives.WriteUInt32BigEndian(udp, 0x10002000 + (uint)i);
        if (ip[9] == 17) BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        if (ip[9] == 6) (udp[12], udp[13]) = (0x50, 0x10);
        if (ip[9] == 1) (udp[0], udp[1]) = (8, 0);
        RefTunnel? tunnel = i % 2 == 0 ? Tunnels[random.Next(3)] : null;
        return (inner, (uint)random.Next(2, 4), tunnel is not null, tunnel, tunnel?.Key ?? (uint)(7 + random.Next(2)), random.Next(2) == 0 ? (uint)random.Next() : null);
    }

    /// <summary>The way back.</summary>
    public static void Reverse(byte[] inner)
    {
        Span<byte> ip = inner.AsSpan(14);
        uint source = BinaryPrimitives.ReadUInt32BigEndian(ip[12..]), ports = BinaryPrimitives.ReadUInt32BigEndian(ip[20..]);
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], BinaryPrimitives.ReadUInt32BigEndian(ip[16..]));
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], source);
        if (ip[9] == 1) ip[20] ^= 8;
        else BinaryPrimitives.WriteUInt32BigEndian(ip[20..], (ports << 16) | (ports >> 16));
    }
}
