using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Text;

/// <summary>Attributes of a key, and the statistics between key and actions.</summary>
public sealed partial class DpFlowParser
{
    private void Attribute(DpFlow flow, TextPiece key, TextPiece value, char delimiter)
    {
        ref FlowKey k = ref flow.Value;
        ref FlowKey m = ref flow.Mask;
        UInt128 v, mask;
        switch (key.ToString())
        {
            case "ufid" or "used" or "bytes" or "flags" or "offloaded" or "dp" or "dp-extra-info" or "mega_ufid" or "partial" or "miniflow_bits" or "packet_type":
                break;
            case "packets":
                flow.Packets = (ulong)Number(value, ulong.MaxValue).Value;
                break;
            case "skb_priority":
                (v, mask) = Number(value, uint.MaxValue);
                flow.SkbPriority = (uint)v;
                if (mask != 0) flow.ForeignMatch ??= "skb_priority";
                break;
            case "tunnel":
                if (_isKey) Fields(value, flow, TunnelField, withParentheses: true);
                else flow.ForeignMatch = "tunnel";
                break;
            case "skb_mark":
                (v, mask) = Number(value, uint.MaxValue);
                (k.PktMark, m.PktMark) = (Be32.FromHost((uint)v), Be32.FromHost((uint)mask));
                break;
            case "ct_state":
                (uint state, uint stateMask) = FlagText.CtState.Parse(value);
                (k.CtState, m.CtState) = ((CtState)state, (CtState)stateMask);
                break;
            case "ct_zone":
                (v, mask) = Number(value, ushort.MaxValue);
                (k.CtZone, m.CtZone) = (Be16.FromHost((ushort)v), Be16.FromHost((ushort)mask));
                break;
            case "ct_mark":
                (v, mask) = Number(value, uint.MaxValue);
                (k.CtMark, m.CtMark) = (Be32.FromHost((uint)v), Be32.FromHost((uint)mask));
                break;
            case "ct_label":
                (v, mask) = Number(value, UInt128.MaxValue);
                (k.CtLabel, m.CtLabel) = (Ipv6Address.FromUInt128(v), Ipv6Address.FromUInt128(mask));
                break;
            case "ct_tuple4" or "ct_tuple6" when _isKey:
                Fields(value, flow, TupleField);
                break;
            case "ct_tuple4" or "ct_tuple6":
                // Part of the connection, which is pinned by its packet's own tuple.
                if (_isGiven) flow.ForeignMatch ??= key.ToString();
                break;
            case "recirc_id":
                (v, _) = Number(value, uint.MaxValue);
                (k.RecircId, m.RecircId) = (Be32.FromHost((uint)v), new Be32(~0u));
                break;
            case "dp_hash":
                (v, mask) = Number(value, uint.MaxValue);
                (k.DpHash, m.DpHash) = (Be32.FromHost((uint)v), Be32.FromHost((uint)mask));
                break;
            case "in_port" when _ports is { } known:
                if (!known.TryParse(value.Span, out uint port)) key.Fail("unknown port");
                (k.InPort, m.InPort) = (Be32.FromHost(port), new Be32(~0u));
                break;
            case "in_port":
                (k.InPort, m.InPort) = (Be32.FromHost(Ports.NumberOf(value.ToString(), out bool isNamed)), new Be32(~0u));
                flow.IsPortNamed = isNamed;
                break;
            case "eth":
                Fields(value, flow, EthField);
                break;
            case "eth_type":
                EthType(flow, value);
                break;
            case "vlan":
                Vlan(flow, value);
                break;
            case "encap":
                var inner = new KeyValueReader(value);
                if (++_depth > MaxDepth) value.Fail("encap nested too deeply");
                while (inner.Next(out TextPiece name, out TextPiece content)) Attribute(flow, name, content, inner.Delimiter);
                _depth--;
                break;
            case "ipv4":
                Fields(value, flow, Ipv4Field);
                break;
            case "ipv6":
                Fields(value, flow, Ipv6Field);
                break;
            case "arp":
                Fields(value, flow, ArpField);
                break;
            case "tcp" or "udp" or "sctp" or "icmp" or "icmpv6":
                Fields(value, flow, PortField);
                break;
            case "tcp_flags":
                (uint flags, uint flagMask) = FlagText.Tcp.Parse(value);
                (k.TcpFlags, m.TcpFlags) = (Be16.FromHost((ushort)(flags & 0xfff)), Be16.FromHost((ushort)(flagMask & 0xfff)));
                break;
            case "mpls" when _isKey:
                Labels(flow, value);
                break;
            case "nd" when _isKey:
                Fields(value, flow, NeighbourField);
                break;
            case "nd" or "nd_ext" or "mpls" or "nsh":
                flow.ForeignMatch ??= key.ToString();
                break;
            case var unknown when delimiter == '(' && IsNumbered(unknown, "key"):
                flow.ForeignMatch ??= unknown;
                break;
            default:
                key.Fail($"`{key}{(delimiter == '\0' ? "" : delimiter)}': unknown attribute of a datapath flow");
                break;
        }
    }

    private delegate void FieldReader(DpFlow flow, TextPiece name, TextPiece value);

    private static void Fields(TextPiece text, DpFlow flow, FieldReader read, bool withParentheses = false)
    {
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece name, out TextPiece value))
        {
            if (reader.Delimiter != '=' && !(withParentheses && reader.Delimiter == '(')) name.Fail($"`{name}': expected NAME=VALUE");
            read(flow, name, value);
        }
    }

    private static void EthField(DpFlow flow, TextPiece name, TextPiece value)
    {
        (UInt128 v, UInt128 m) = AddressText.Masked(value, FieldFormat.Ethernet);
        (EthAddress address, EthAddress mask) = (EthAddress.FromUInt64((ulong)v), EthAddress.FromUInt64((ulong)m));
        if (name.Is("src")) (flow.Value.DlSrc, flow.Mask.DlSrc) = (address, mask);
        else if (name.Is("dst")) (flow.Value.DlDst, flow.Mask.DlDst) = (address, mask);
        else name.Fail($"`{name}': expected src or dst");
    }

    /// <summary>
    /// With a tag the outer type is its TPID; the one in <c>encap()</c> comes later and stays. Without a type, as 802.3 frames have none, it is
    /// printed as 0 with a full mask.
    /// </summary>
    private static void EthType(DpFlow flow, TextPiece value)
    {
        (UInt128 v, UInt128 m) = Number(value, ushort.MaxValue);
        if ((ushort)v is Keys.EthType.Vlan or Keys.EthType.QinQ)
        {
            if (flow.Value.Vlan0Tci.Raw == 0) flow.Value.Vlan0Tpid = Be16.FromHost((ushort)v);
            else flow.Value.Vlan1Tpid = Be16.FromHost((ushort)v);
            return;
        }

        flow.Value.DlType = Be16.FromHost(v == 0 && m == ushort.MaxValue ? Keys.EthType.None : (ushort)v);
        flow.Mask.DlType = Be16.FromHost((ushort)m);
    }

    private static void Vlan(DpFlow flow, TextPiece text)
    {
        ushort tci = KeyMasks.VlanPresent, mask = KeyMasks.VlanPresent;
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece name, out TextPiece value))
        {
            int shift = name.ToString() switch { "vid" => 0, "pcp" => 13, "cfi" => 12, _ => throw name.Error($"`{name}': expected vid, pcp or cfi") };
            (UInt128 v, UInt128 m) = Number(value, shift switch { 0 => 0xfffu, 13 => 7u, _ => 1u });
            if (shift == 12 && v == 0) name.Fail("a tag without the CFI bit cannot be matched");
            tci |= (ushort)((uint)v << shift);
            mask |= (ushort)((uint)m << shift);
        }

        if (flow.Mask.Vlan0Tci.Raw == 0) (flow.Value.Vlan0Tci, flow.Mask.Vlan0Tci) = (Be16.FromHost(tci), Be16.FromHost(mask));
        else (flow.Value.Vlan1Tci, flow.Mask.Vlan1Tci) = (Be16.FromHost(tci), Be16.FromHost(mask));
    }

    private static void Ipv4Field(DpFlow flow, TextPiece name, TextPiece value)
    {
        ref FlowKey k = ref flow.Value;
        ref FlowKey m = ref flow.Mask;
        (UInt128 v, UInt128 mask) = name.ToString() switch
        {
            "src" or "dst" => AddressText.Masked(value, FieldFormat.Ipv4),
            "frag" => (UInt128.Zero, UInt128.Zero),
            _ => Number(value, byte.MaxValue),
        };
        switch (name.ToString())
        {
            case "src": (k.NwSrc, m.NwSrc) = (Be32.FromHost((uint)v), Be32.FromHost((uint)mask)); break;
            case "dst": (k.NwDst, m.NwDst) = (Be32.FromHost((uint)v), Be32.FromHost((uint)mask)); break;
            default: NetworkField(ref k, ref m, name, value, (byte)v, (byte)mask, "tos", "ttl"); break;
        }
    }

    private static void Ipv6Field(DpFlow flow, TextPiece name, TextPiece value)
    {
        ref FlowKey k = ref flow.Value;
        ref FlowKey m = ref flow.Mask;
        (UInt128 v, UInt128 mask) = name.ToString() switch
        {
            "src" or "dst" => AddressText.Masked(value, FieldFormat.Ipv6),
            "frag" => (UInt128.Zero, UInt128.Zero),
            "label" => Number(value, 0xfffff),
            _ => Number(value, byte.MaxValue),
        };
        switch (name.ToString())
        {
            case "src": (k.Ipv6Src, m.Ipv6Src) = (Ipv6Address.FromUInt128(v), Ipv6Address.FromUInt128(mask)); break;
            case "dst": (k.Ipv6Dst, m.Ipv6Dst) = (Ipv6Address.FromUInt128(v), Ipv6Address.FromUInt128(mask)); break;
            case "label": (k.Ipv6Label, m.Ipv6Label) = (Be32.FromHost((uint)v), Be32.FromHost((uint)mask)); break;
            default: NetworkField(ref k, ref m, name, value, (byte)v, (byte)mask, "tclass", "hlimit"); break;
        }
    }

    private static void NetworkField(ref FlowKey k, ref FlowKey m, TextPiece name, TextPiece text, byte value, byte mask, string tos, string ttl)
    {
        if (name.Is("proto")) (k.NwProto, m.NwProto) = (value, mask);
        else if (name.Is(tos)) (k.NwTos, m.NwTos) = (value, mask);
        else if (name.Is(ttl)) (k.NwTtl, m.NwTtl) = (value, mask);
        else if (name.Is("frag"))
        {
            m.NwFrag = NwFrag.Any | NwFrag.Later;
            k.NwFrag = text.ToString() switch
            {
                "no" => NwFrag.No,
                "first" => NwFrag.Any,
                "later" => NwFrag.Any | NwFrag.Later,
                _ => throw text.Error($"`{text}': expected no, first or later"),
            };
        }
        else
        {
            name.Fail($"`{name}': unknown field of the network header");
        }
    }

    private static void ArpField(DpFlow flow, TextPiece name, TextPiece value)
    {
        ref FlowKey k = ref flow.Value;
        ref FlowKey m = ref flow.Mask;
        FieldFormat format = name.ToString() switch
        {
            "sip" or "tip" => FieldFormat.Ipv4,
            "sha" or "tha" => FieldFormat.Ethernet,
            "op" => FieldFormat.Decimal,
            _ => throw name.Error($"`{name}': unknown field of ARP"),
        };
        (UInt128 v, UInt128 mask) = format == FieldFormat.Decimal ? Number(value, ushort.MaxValue) : AddressText.Masked(value, format);
        switch (name.ToString())
        {
            case "sip": (k.NwSrc, m.NwSrc) = (Be32.FromHost((uint)v), Be32.FromHost((uint)mask)); break;
            case "tip": (k.NwDst, m.NwDst) = (Be32.FromHost((uint)v), Be32.FromHost((uint)mask)); break;
            case "sha": (k.ArpSha, m.ArpSha) = (EthAddress.FromUInt64((ulong)v), EthAddress.FromUInt64((ulong)mask)); break;
            case "tha": (k.ArpTha, m.ArpTha) = (EthAddress.FromUInt64((ulong)v), EthAddress.FromUInt64((ulong)mask)); break;
            default: (k.NwProto, m.NwProto) = ((byte)v, (byte)mask); break;
        }
    }

    private static void PortField(DpFlow flow, TextPiece name, TextPiece value)
    {
        (UInt128 v, UInt128 m) = Number(value, ushort.MaxValue);
        if (name.Is("src") || name.Is("type")) (flow.Value.TpSrc, flow.Mask.TpSrc) = (Be16.FromHost((ushort)v), Be16.FromHost((ushort)m));
        else if (name.Is("dst") || name.Is("code")) (flow.Value.TpDst, flow.Mask.TpDst) = (Be16.FromHost((ushort)v), Be16.FromHost((ushort)m));
        else name.Fail($"`{name}': unknown field of the transport header");
    }
}
