using System.Globalization;
using System.Net;
using Mergeflow.Native;

namespace Mergeflow.Tests;

/// <summary>Reads the keys and masks that <c>dpctl/dump-flows -m</c> printed, to print them again and compare.</summary>
internal sealed class DpKeyReader(IReadOnlyDictionary<string, uint> ports)
{
    private FlowKey _key;
    private FlowKey _mask;
    private int _tags;
    private ushort _pendingType;

    public (FlowKey Key, FlowKey Mask) Read(string text)
    {
        (_key, _mask, _tags, _pendingType) = (default, default, 0, 0);
        ReadItems(text);
        return (_key, _mask);
    }

    private void ReadItems(string text)
    {
        foreach (string item in Split(text))
        {
            if (item.Length == 0) continue;
            int open = item.IndexOf('(');
            ReadItem(item[..open], item[(open + 1)..^1]);
        }
    }

    private void ReadItem(string name, string body)
    {
        switch (name)
        {
            case "skb_priority" or "packet_type":
                break;
            case "skb_mark":
                (_key.PktMark, _mask.PktMark) = Be32Pair(body);
                break;
            case "ct_state":
                (ulong state, ulong stateMask) = Pair(body, 0xff);
                (_key.CtState, _mask.CtState) = ((CtState)state, (CtState)stateMask);
                break;
            case "ct_zone":
                (_key.CtZone, _mask.CtZone) = Be16Pair(body);
                break;
            case "ct_mark":
                (_key.CtMark, _mask.CtMark) = Be32Pair(body);
                break;
            case "ct_label":
                string[] label = body.Split('/');
                _key.CtLabel = Ipv6Address.FromUInt128(WideNumber(label[0]));
                _mask.CtLabel = Ipv6Address.FromUInt128(label.Length > 1 ? WideNumber(label[1]) : UInt128.MaxValue);
                break;
            case "recirc_id":
                (_key.RecircId, _mask.RecircId) = Be32Pair(body);
                break;
            case "dp_hash":
                (_key.DpHash, _mask.DpHash) = Be32Pair(body);
                break;
            case "in_port":
                (_key.InPort, _mask.InPort) = (Be32.FromHost(ports[body]), Be32.FromHost(uint.MaxValue));
                break;
            case "eth_type":
                ReadType(body);
                break;
            case "vlan":
                ReadVlan(Parts(body));
                break;
            case "encap":
                ReadItems(body);
                break;
            case "mpls":
                ReadMpls(body);
                break;
            case "tcp_flags":
                ReadTcpFlags(body);
                break;
            default:
                ReadParts(name, Parts(body));
                break;
        }
    }

    /// <summary>The type of a tag is only known to be one when a vlan item follows.</summary>
    private void ReadType(string body)
    {
        (ulong type, ulong mask) = body == "0/0xffff" ? (EthType.None, 0xffffUL) : Pair(body, 0xffff);
        _pendingType = (ushort)type;
        (_key.DlType, _mask.DlType) = (Be16.FromHost((ushort)type), Be16.FromHost((ushort)mask));
    }

    private void ReadVlan(Dictionary<string, string> parts)
    {
        (ulong vid, ulong vidMask) = Pair(parts["vid"], 0xfff);
        (ulong pcp, ulong pcpMask) = Pair(parts["pcp"], 7);
        Be16 tci = Be16.FromHost((ushort)(vid | pcp << 13 | (parts.ContainsKey("cfi") ? 0u : 0x1000u)));
        Be16 mask = Be16.FromHost((ushort)(vidMask | pcpMask << 13));
        Be16 tpid = Be16.FromHost(_pendingType);
        if (_tags++ == 0) (_key.Vlan0Tci, _mask.Vlan0Tci, _key.Vlan0Tpid) = (tci, mask, tpid);
        else (_key.Vlan1Tci, _mask.Vlan1Tci, _key.Vlan1Tpid) = (tci, mask, tpid);
        if (!parts.ContainsKey("cfi")) _key.DlType = _mask.DlType = default;
    }

    /// <summary>One to three label stack entries, the outermost first.</summary>
    private void ReadMpls(string body)
    {
        string[] entries = body.Split("label=", StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i < entries.Length; i++)
        {
            Dictionary<string, string> parts = Parts("label=" + entries[i].TrimEnd(','));
            (ulong label, ulong labelMask) = Pair(parts["label"], 0xfffff);
            (ulong tc, ulong tcMask) = Pair(parts["tc"], 7);
            (ulong ttl, ulong ttlMask) = Pair(parts["ttl"], 0xff);
            (ulong bos, ulong bosMask) = Pair(parts["bos"], 1);
            Be32 lse = Be32.FromHost((uint)(label << 12 | tc << 9 | bos << 8 | ttl));
            Be32 mask = Be32.FromHost((uint)(labelMask << 12 | tcMask << 9 | bosMask << 8 | ttlMask));
            if (i == 0) (_key.MplsLse0, _mask.MplsLse0) = (lse, mask);
            else if (i == 1) (_key.MplsLse1, _mask.MplsLse1) = (lse, mask);
            else (_key.MplsLse2, _mask.MplsLse2) = (lse, mask);
        }
    }

    private void ReadTcpFlags(string body)
    {
        string[] names = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"];
        int value = 0, mask = 0;
        if (body == "0/0")
        {
            value = 1; // some flag was set: that is why the item is there
        }
        else if (body[0] is '+' or '-')
        {
            for (int at = 0; at < body.Length;)
            {
                int end = body.IndexOfAny(['+', '-'], at + 1);
                if (end < 0) end = body.Length;
                int bit = 1 << Array.IndexOf(names, body[(at + 1)..end]);
                mask |= bit;
                if (body[at] == '+') value |= bit;
                at = end;
            }
        }
        else
        {
            mask = 0xfff;
            if (body != "0") value = body.Split('|').Sum(n => 1 << Array.IndexOf(names, n));
        }

        (_key.TcpFlags, _mask.TcpFlags) = (Be16.FromHost((ushort)value), Be16.FromHost((ushort)mask));
    }

    private void ReadParts(string name, Dictionary<string, string> parts)
    {
        foreach ((string part, string text) in parts)
        {
            switch (name, part)
            {
                case ("eth", "src"):
                    (_key.DlSrc, _mask.DlSrc) = EthernetPair(text);
                    break;
                case ("eth", "dst"):
                    (_key.DlDst, _mask.DlDst) = EthernetPair(text);
                    break;
                case ("ct_tuple4", "src"):
                    (_key.CtNwSrc, _mask.CtNwSrc) = Ipv4Pair(text);
                    break;
                case ("ct_tuple4", "dst"):
                    (_key.CtNwDst, _mask.CtNwDst) = Ipv4Pair(text);
                    break;
                case ("ct_tuple6", "src"):
                    (_key.CtIpv6Src, _mask.CtIpv6Src) = Ipv6Pair(text);
                    break;
                case ("ct_tuple6", "dst"):
                    (_key.CtIpv6Dst, _mask.CtIpv6Dst) = Ipv6Pair(text);
                    break;
                case ("ct_tuple4" or "ct_tuple6", "proto"):
                    (_key.CtNwProto, _mask.CtNwProto) = BytePair(text);
                    break;
                case ("ct_tuple4", "tp_src") or ("ct_tuple6", "src_port"):
                    (_key.CtTpSrc, _mask.CtTpSrc) = Be16Pair(text);
                    break;
                case ("ct_tuple4", "tp_dst") or ("ct_tuple6", "dst_port"):
                    (_key.CtTpDst, _mask.CtTpDst) = Be16Pair(text);
                    break;
                case ("ipv4", "src") or ("arp", "sip"):
                    (_key.NwSrc, _mask.NwSrc) = Ipv4Pair(text);
                    break;
                case ("ipv4", "dst") or ("arp", "tip"):
                    (_key.NwDst, _mask.NwDst) = Ipv4Pair(text);
                    break;
                case ("ipv6", "src"):
                    (_key.Ipv6Src, _mask.Ipv6Src) = Ipv6Pair(text);
                    break;
                case ("ipv6", "dst"):
                    (_key.Ipv6Dst, _mask.Ipv6Dst) = Ipv6Pair(text);
                    break;
                case ("ipv6", "label"):
                    (ulong label, ulong labelMask) = Pair(text, 0xfffff);
                    (_key.Ipv6Label, _mask.Ipv6Label) = (Be32.FromHost((uint)label), Be32.FromHost((uint)labelMask));
                    break;
                case (_, "proto" or "op"):
                    (_key.NwProto, _mask.NwProto) = BytePair(text);
                    break;
                case (_, "tos" or "tclass"):
                    (_key.NwTos, _mask.NwTos) = BytePair(text);
                    break;
                case (_, "ttl" or "hlimit"):
                    (_key.NwTtl, _mask.NwTtl) = BytePair(text);
                    break;
                case (_, "frag"):
                    _key.NwFrag = text switch { "no" => NwFrag.No, "first" => NwFrag.Any, _ => NwFrag.Any | NwFrag.Later };
                    _mask.NwFrag = NwFrag.Any | NwFrag.Later;
                    break;
                case ("tcp" or "udp" or "sctp", "src"):
                    (_key.TpSrc, _mask.TpSrc) = Be16Pair(text);
                    break;
                case ("tcp" or "udp" or "sctp", "dst"):
                    (_key.TpDst, _mask.TpDst) = Be16Pair(text);
                    break;
                case (_, "type"):
                    (byte type, byte typeMask) = BytePair(text);
                    (_key.TpSrc, _mask.TpSrc) = (Be16.FromHost(type), Be16.FromHost(typeMask));
                    break;
                case (_, "code"):
                    (byte code, byte codeMask) = BytePair(text);
                    (_key.TpDst, _mask.TpDst) = (Be16.FromHost(code), Be16.FromHost(codeMask));
                    break;
                case ("nd", "target"):
                    (_key.NdTarget, _mask.NdTarget) = Ipv6Pair(text);
                    break;
                case ("arp", "sha") or ("nd", "sll"):
                    (_key.ArpSha, _mask.ArpSha) = EthernetPair(text);
                    break;
                case ("arp", "tha") or ("nd", "tll"):
                    (_key.ArpTha, _mask.ArpTha) = EthernetPair(text);
                    break;
                default:
                    throw new FormatException($"{name}({part}={text})");
            }
        }
    }

    private static Dictionary<string, string> Parts(string body)
        => body.Split(',').Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);

    /// <summary>Splits at commas that are not in parentheses.</summary>
    private static IEnumerable<string> Split(string text)
    {
        int level = 0, start = 0;
        for (int at = 0; at < text.Length; at++)
        {
            if (text[at] == '(') level++;
            if (text[at] == ')') level--;
            if (text[at] != ',' || level > 0) continue;
            yield return text[start..at];
            start = at + 1;
        }

        yield return text[start..];
    }

    private static (ulong Value, ulong Mask) Pair(string text, ulong full)
    {
        string[] parts = text.Split('/');
        return ((ulong)WideNumber(parts[0]), parts.Length > 1 ? (ulong)WideNumber(parts[1]) : full);
    }

    private static UInt128 WideNumber(string text) => text.StartsWith("0x", StringComparison.Ordinal)
        ? UInt128.Parse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
        : UInt128.Parse(text, CultureInfo.InvariantCulture);

    private static (byte Value, byte Mask) BytePair(string text)
    {
        (ulong value, ulong mask) = Pair(text, byte.MaxValue);
        return ((byte)value, (byte)mask);
    }

    private static (Be16 Value, Be16 Mask) Be16Pair(string text)
    {
        (ulong value, ulong mask) = Pair(text, ushort.MaxValue);
        return (Be16.FromHost((ushort)value), Be16.FromHost((ushort)mask));
    }

    private static (Be32 Value, Be32 Mask) Be32Pair(string text)
    {
        (ulong value, ulong mask) = Pair(text, uint.MaxValue);
        return (Be32.FromHost((uint)value), Be32.FromHost((uint)mask));
    }

    private static (Be32 Value, Be32 Mask) Ipv4Pair(string text)
    {
        string[] parts = text.Split('/');
        return (Ipv4(parts[0]), parts.Length > 1 ? Ipv4(parts[1]) : Be32.FromHost(uint.MaxValue));
    }

    private static Be32 Ipv4(string text) => new(BitConverter.ToUInt32(IPAddress.Parse(text).GetAddressBytes()));

    private static (Ipv6Address Value, Ipv6Address Mask) Ipv6Pair(string text)
    {
        string[] parts = text.Split('/');
        return (Ipv6(parts[0]), parts.Length > 1 ? Ipv6(parts[1]) : Ipv6Address.FromUInt128(UInt128.MaxValue));
    }

    private static Ipv6Address Ipv6(string text) => Ipv6Address.From(IPAddress.Parse(text).GetAddressBytes());

    private static (EthAddress Value, EthAddress Mask) EthernetPair(string text)
    {
        string[] parts = text.Split('/');
        return (Ethernet(parts[0]), parts.Length > 1 ? Ethernet(parts[1]) : EthAddress.FromUInt64(ulong.MaxValue));
    }

    private static EthAddress Ethernet(string text) => EthAddress.From(Convert.FromHexString(text.Replace(":", "", StringComparison.Ordinal)));
}
