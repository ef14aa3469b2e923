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
    private const byte DefaultTtl = 64;
    private const string Flow = "flow";
    private const string Inherit = "inherit";
    private const string Gbp = "gbp";

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
        foreach (string extension in Extensions(options).Where(e => e != Gbp || kind != TunnelKind.Vxlan)) warn($"{name}: unknown extension '{extension}'");
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
            HasInKey = options.ContainsKey("in_key") || options.ContainsKey("key"),
            HasOutKey = options.ContainsKey("out_key") || options.ContainsKey("key"),
            DestinationPort = kind == TunnelKind.Gre ? (ushort)0 : PortOf(options, kind),
            InheritsTos = options.GetValueOrDefault("tos") == Inherit,
            Tos = (byte)(Number(options.GetValueOrDefault("tos")) ?? 0),
            InheritsTtl = options.GetValueOrDefault("ttl") == Inherit,
            Ttl = Number(options.GetValueOrDefault("ttl")) is { } ttl and > 0 and < 256 ? (byte)ttl : DefaultTtl,
            HasChecksum = options.GetValueOrDefault("csum") == "true",
            DontFragment = options.GetValueOrDefault("df_default") != "false",
        };
    }

    /// <summary>VXLAN with group policies, which does not share a UDP port with VXLAN without.</summary>
    public static bool HasGroupPolicy(InterfaceConfig config) => config.Type == "vxlan" && Extensions(config.Options).Contains(Gbp);

    /// <summary>As <c>dpif/show</c> says it: what is not as it is without being said (OVS <c>get_tunnel_config</c>).</summary>
    public static SortedDictionary<string, string> Shown(TunnelPort tunnel)
    {
        SortedDictionary<string, string> shown = new(StringComparer.Ordinal) { ["remote_ip"] = tunnel.Remote is { } remote ? Underlay.ToAddress(remote, tunnel.IsIpv6 == true).ToString() : Flow };
        if (tunnel.IsLocalFlow) shown["local_ip"] = Flow;
        else if (tunnel.Local is { } local) shown["local_ip"] = Underlay.ToAddress(local, tunnel.IsIpv6 == true).ToString();
        bool hasBoth = tunnel.HasInKey && tunnel.HasOutKey;
        if (hasBoth && tunnel.InKey == tunnel.OutKey)
        {
            shown["key"] = KeyText(tunnel.InKey);
        }
        else
        {
            if (tunnel.HasInKey) shown["in_key"] = KeyText(tunnel.InKey);
            if (tunnel.HasOutKey) shown["out_key"] = KeyText(tunnel.OutKey);
        }

        if (tunnel.InheritsTtl) shown["ttl"] = Inherit;
        else if (tunnel.Ttl != DefaultTtl) shown["ttl"] = Text(tunnel.Ttl);
        if (tunnel.InheritsTos) shown["tos"] = Inherit;
        else if (tunnel.Tos != 0) shown["tos"] = $"0x{tunnel.Tos:x}";
        if (tunnel.Kind != TunnelKind.Gre && tunnel.DestinationPort != DefaultPort(tunnel.Kind)) shown["dst_port"] = Text(tunnel.DestinationPort);
        if (tunnel.HasChecksum) shown["csum"] = "true";
        if (!tunnel.DontFragment) shown["df_default"] = "false";
        return shown;
    }

    private static string KeyText(ulong? key) => key is { } number ? number.ToString(CultureInfo.InvariantCulture) : Flow;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string[] Extensions(IReadOnlyDictionary<string, string> options) => options.GetValueOrDefault("exts", "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static ushort DefaultPort(TunnelKind kind) => kind == TunnelKind.Vxlan ? VxlanPort : GenevePort;

    private static ushort PortOf(IReadOnlyDictionary<string, string> options, TunnelKind kind)
        => Number(options.GetValueOrDefault("dst_port")) is { } port and > 0 and <= ushort.MaxValue ? (ushort)port : DefaultPort(kind);

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
