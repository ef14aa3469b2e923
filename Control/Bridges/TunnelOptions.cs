using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Control.Bridges;

/// <summary>Tunnels as the column <c>options</c> of <c>Interface</c> describes them (OVS <c>netdev-vport.c</c>: <c>set_tunnel_config</c>).</summary>
public static class TunnelOptions
{
    private const ushort VxlanPort = 4789;
    private const ushort GenevePort = 6081;
    private const string Flow = "flow";

    private static readonly string[] s_known =
    [
        "remote_ip", "local_ip", "key", "in_key", "out_key", "dst_port", "dst_port_legacy", "tos", "ttl", "csum", "df_default", "exts", "packet_type", "egress_pkt_mark",
    ];

    /// <summary>Types of interfaces that are tunnels.</summary>
    public static IReadOnlyList<string> Types { get; } = ["geneve", "gre", "vxlan"];

    /// <summary>The tunnel; the network below is found by routes.</summary>
    /// <param name="config">An interface of one of <see cref="Types"/>.</param>
    /// <param name="number">Its OpenFlow number.</param>
    /// <param name="warn">Takes a line for each option that has no effect.</param>
    /// <exception cref="IOException">An option is missing or wrong, in the words of Open vSwitch.</exception>
    public static TunnelPort Parse(InterfaceConfig config, uint number, Action<string> warn)
    {
        IReadOnlyDictionary<string, string> options = config.Options;
        string name = config.Name, type = config.Type;
        foreach (string option in options.Keys.Where(o => !s_known.Contains(o))) warn($"{name}: unknown {type} argument '{option}'");
        TunnelKind kind = type switch { "vxlan" => TunnelKind.Vxlan, "geneve" => TunnelKind.Geneve, _ => TunnelKind.Gre };
        string remoteText = options.GetValueOrDefault("remote_ip", ""), localText = options.GetValueOrDefault("local_ip", "");
        if (remoteText.Length == 0) throw new IOException($"{name}: {type} type requires valid 'remote_ip' argument");
        IPAddress? remote = Address(name, type, "remote_ip", remoteText), local = localText.Length == 0 ? null : Address(name, type, "local_ip", localText);
        if (localText == Flow && remote is not null) throw new IOException($"{name}: {type} type requires 'remote_ip=flow' with 'local_ip=flow'");
        if (remote is not null && local is not null && remote.AddressFamily != local.AddressFamily) throw new IOException($"{name}: {type} type requires 'local_ip' and 'remote_ip' of one family");
        if (options.GetValueOrDefault("packet_type") is { } packetType && packetType != "legacy_l2") throw new IOException($"{name}: packet_type={packetType} is not supported");
        if (options.TryGetValue("exts", out string? exts)) warn($"{name}: exts={exts}: extensions are not supported");
        int bits = kind == TunnelKind.Gre ? 32 : 24;
        return new TunnelPort
        {
            Number = number,
            Kind = kind,
            IsRouted = true,
            IsIpv6 = (remote ?? local) is { } known ? known.AddressFamily == AddressFamily.InterNetworkV6 : null,
            Remote = remote is null ? null : HostNetwork.Raw(remote),
            Local = local is null ? null : HostNetwork.Raw(local),
            IsLocalFlow = localText == Flow,
            InKey = Key(options, "in_key", bits),
            OutKey = Key(options, "out_key", bits),
            HasOutKey = options.ContainsKey("out_key") || options.ContainsKey("key"),
            DestinationPort = kind == TunnelKind.Gre ? (ushort)0 : PortOf(options, kind),
            InheritsTos = options.GetValueOrDefault("tos") == "inherit",
            Tos = (byte)(Number(options.GetValueOrDefault("tos")) ?? 0),
            InheritsTtl = options.GetValueOrDefault("ttl") == "inherit",
            Ttl = Number(options.GetValueOrDefault("ttl")) is { } ttl and > 0 and < 256 ? (byte)ttl : (byte)64,
            HasChecksum = options.GetValueOrDefault("csum") == "true",
            DontFragment = options.GetValueOrDefault("df_default") != "false",
        };
    }

    private static ushort PortOf(IReadOnlyDictionary<string, string> options, TunnelKind kind)
        => Number(options.GetValueOrDefault("dst_port")) is { } port and > 0 and <= ushort.MaxValue ? (ushort)port : kind == TunnelKind.Vxlan ? VxlanPort : GenevePort;

    /// <summary>Null = <c>flow</c>.</summary>
    private static IPAddress? Address(string name, string type, string option, string text)
    {
        if (text == Flow) return null;
        bool isAddress = IPAddress.TryParse(text, out IPAddress? address) && (address.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == text);
        if (!isAddress) throw new IOException($"{name}: bad {type} '{option}'");
        byte first = address!.GetAddressBytes()[0];
        if (option == "remote_ip" && (address.AddressFamily == AddressFamily.InterNetwork ? first is >= 224 and < 240 : first == 0xff))
        {
            throw new IOException($"{name}: multicast remote_ip={text} not allowed");
        }

        return address;
    }

    /// <summary>Null = <c>flow</c>; without an option 0 (OVS <c>parse_key</c>).</summary>
    private static ulong? Key(IReadOnlyDictionary<string, string> options, string name, int bits)
    {
        string? text = options.GetValueOrDefault(name) ?? options.GetValueOrDefault("key");
        if (text == Flow) return null;
        return Number(text) is { } key ? (ulong)key & ((1ul << bits) - 1) : 0;
    }

    private static long? Number(string? text)
    {
        if (text is null) return null;
        bool isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return long.TryParse(isHex ? text.AsSpan(2) : text, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
    }
}
