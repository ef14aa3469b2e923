using System.Globalization;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>
/// Tunnel ports as text, with the option names of ovs-vsctl(8): <c>type=vxlan,remote_ip=192.0.2.2,key=flow,out=p1,addr=192.0.2.1,mac=..,gw_mac=..</c>.
/// The last four say what Open vSwitch learns from routes, devices and ARP.
/// </summary>
public sealed class TunnelPortParser(PortNames ports)
{
    private const ushort VxlanPort = 4789;
    private const ushort GenevePort = 6081;

    /// <summary>Parses the options of the tunnel port <paramref name="number"/>.</summary>
    /// <exception cref="FlowTextException">An option is unknown, missing or has no such value; the column says where.</exception>
    public TunnelPort Parse(uint number, string text)
    {
        Dictionary<string, TextPiece> options = new(StringComparer.Ordinal);
        TextPiece whole = TextPiece.Whole(text, 1);
        var reader = new KeyValueReader(whole);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            if (reader.Delimiter != '=') key.Fail($"{key}: expected OPTION=VALUE");
            if (Array.IndexOf(s_names, key.ToString()) < 0) key.Fail($"{key}: unknown tunnel option");
            if (!options.TryAdd(key.ToString(), value)) key.Fail($"{key}: given twice");
        }

        TunnelKind kind = KindOf(Required(options, "type", whole));
        (Ipv6Address address, bool isIpv6) = Address(Required(options, "addr", whole));
        bool hasKey = options.TryGetValue("key", out TextPiece both);
        bool hasIn = options.TryGetValue("in_key", out TextPiece inKey) || hasKey, hasOut = options.TryGetValue("out_key", out TextPiece outKey) || hasKey;
        int bits = kind == TunnelKind.Gre ? 32 : 24;
        return new TunnelPort
        {
            Number = number,
            Kind = kind,
            UnderlayPort = Port(Required(options, "out", whole)),
            UnderlayMac = Mac(Required(options, "mac", whole)),
            NextHopMac = Mac(Required(options, "gw_mac", whole)),
            UnderlayAddress = address,
            IsIpv6 = isIpv6,
            Remote = AddressOrFlow(Required(options, "remote_ip", whole), isIpv6),
            Local = options.TryGetValue("local_ip", out TextPiece local) ? AddressOrFlow(local, isIpv6) : null,
            IsLocalFlow = options.TryGetValue("local_ip", out local) && local.Is("flow"),
            InKey = hasIn ? Key(options.ContainsKey("in_key") ? inKey : both, bits) : 0,
            OutKey = hasOut ? Key(options.ContainsKey("out_key") ? outKey : both, bits) : 0,
            HasOutKey = hasOut,
            DestinationPort = kind == TunnelKind.Gre ? (ushort)0
                : options.TryGetValue("dst_port", out TextPiece port) ? (ushort)Number(port, 1, 65535) : kind == TunnelKind.Vxlan ? VxlanPort : GenevePort,
            InheritsTos = options.TryGetValue("tos", out TextPiece tos) && tos.Is("inherit"),
            Tos = options.TryGetValue("tos", out tos) && !tos.Is("inherit") ? (byte)Number(tos, 0, 255) : (byte)0,
            InheritsTtl = options.TryGetValue("ttl", out TextPiece ttl) && ttl.Is("inherit"),
            Ttl = options.TryGetValue("ttl", out ttl) && !ttl.Is("inherit") ? (byte)Number(ttl, 1, 255) : (byte)64,
            HasChecksum = options.TryGetValue("csum", out TextPiece csum) && Flag(csum),
            DontFragment = !options.TryGetValue("df_default", out TextPiece df) || Flag(df),
        };
    }

    private static readonly string[] s_names =
        ["type", "remote_ip", "local_ip", "key", "in_key", "out_key", "dst_port", "tos", "ttl", "csum", "df_default", "out", "addr", "mac", "gw_mac"];

    private static TextPiece Required(Dictionary<string, TextPiece> options, string name, TextPiece whole)
    {
        if (!options.TryGetValue(name, out TextPiece value)) whole.Fail($"tunnel option {name} is missing");
        return value;
    }

    private static TunnelKind KindOf(TextPiece text)
    {
        if (text.Is("vxlan")) return TunnelKind.Vxlan;
        if (text.Is("geneve")) return TunnelKind.Geneve;
        if (!text.Is("gre")) text.Fail($"type {text}: expected vxlan, geneve or gre");
        return TunnelKind.Gre;
    }

    private uint Port(TextPiece text)
    {
        if (!ports.TryParse(text.Span, out uint port)) text.Fail($"{text}: there is no such port");
        return port;
    }

    private static EthAddress Mac(TextPiece text)
    {
        if (!AddressText.TryEthernet(text.Span, out ulong mac)) text.Fail($"{text}: invalid Ethernet address");
        return EthAddress.FromUInt64(mac);
    }

    private static (Ipv6Address Address, bool IsIpv6) Address(TextPiece text)
    {
        if (AddressText.TryIpv4(text.Span, out uint v4)) return (Ipv6Address.FromUInt128((UInt128)v4 << 96), false);
        if (!AddressText.TryIpv6(text.Span, out UInt128 v6)) text.Fail($"{text}: invalid IP address");
        return (Ipv6Address.FromUInt128(v6), true);
    }

    private static Ipv6Address? AddressOrFlow(TextPiece text, bool isIpv6)
    {
        if (text.Is("flow")) return null;
        (Ipv6Address address, bool other) = Address(text);
        if (other != isIpv6) text.Fail($"{text}: not of the family of addr");
        return address;
    }

    private static ulong? Key(TextPiece text, int bits) => text.Is("flow") ? null : Number(text, 0, (1L << bits) - 1);

    private static bool Flag(TextPiece text)
    {
        if (!text.Is("true") && !text.Is("false")) text.Fail($"{text}: expected true or false");
        return text.Is("true");
    }

    private static ulong Number(TextPiece text, long min, long max)
    {
        ReadOnlySpan<char> s = text.Span;
        bool isHex = s.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        if (!long.TryParse(isHex ? s[2..] : s, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out long n) || n < min || n > max)
        {
            text.Fail($"{text}: expected a number in {min}..{max}");
        }

        return (ulong)n;
    }
}
