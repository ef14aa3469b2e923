using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Text;

/// <content>A packet's key by itself, with what the flows of a dump are not looked at for: tunnels, labels, neighbours, the connection's tuple.</content>
public sealed partial class DpFlowParser
{
    private const int LabelBits = 12;

    private bool _isKey;
    private PortNames? _ports;

    /// <summary>Reads a key as <c>ofproto/trace</c> is given one (OVS <c>odp_flow_from_string</c>): fields that are left out are zero, masks do not count.</summary>
    /// <param name="text">The key.</param>
    /// <param name="ports">Names and numbers of datapath ports.</param>
    /// <exception cref="FlowTextException">It is none.</exception>
    public static DpFlow ParseKey(string text, PortNames ports)
    {
        DpFlowParser parser = new() { _isKey = true, _ports = ports };
        var flow = new DpFlow { Line = 1 };
        flow.Value.DlType = Be16.FromHost(Keys.EthType.None);
        var reader = new KeyValueReader(TextPiece.Whole(WithoutGaps(text), 1));
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            if (reader.Delimiter != '(' && key.ToString() != "ufid") key.Fail("expected NAME(VALUE)");
            parser.Attribute(flow, key, value, reader.Delimiter);
        }

        if (flow.Value.Vlan0Tpid.Raw != 0) flow.Value.Vlan0Tci = Be16.FromHost((ushort)(flow.Value.Vlan0Tci.Host | KeyMasks.VlanPresent));
        return flow;
    }

    private static void TunnelField(DpFlow flow, TextPiece name, TextPiece value)
    {
        ref FlowKey k = ref flow.Value;
        switch (name.ToString())
        {
            case "tun_id":
                k.TunId = Be64.FromHost((ulong)Number(value, ulong.MaxValue).Value);
                break;
            case "src":
                k.TunSrc = Be32.FromHost((uint)AddressText.Masked(value, FieldFormat.Ipv4).Value);
                break;
            case "dst":
                k.TunDst = Be32.FromHost((uint)AddressText.Masked(value, FieldFormat.Ipv4).Value);
                break;
            case "ipv6_src":
                k.TunIpv6Src = Ipv6Address.FromUInt128(AddressText.Masked(value, FieldFormat.Ipv6).Value);
                break;
            case "ipv6_dst":
                k.TunIpv6Dst = Ipv6Address.FromUInt128(AddressText.Masked(value, FieldFormat.Ipv6).Value);
                break;
            case "tos":
                k.TunTos = (byte)Number(value, byte.MaxValue).Value;
                break;
            case "ttl":
                k.TunTtl = (byte)Number(value, byte.MaxValue).Value;
                break;
            case "flags":
                ushort flags = 0;
                foreach (string flag in value.ToString().Split(['|', '+', '-'], StringSplitOptions.RemoveEmptyEntries))
                {
                    flags |= flag switch { "oam" => 1, "df" => 2, "csum" => 4, "key" => 8, "0" => 0, _ => throw value.Error($"`{flag}': no flag of a tunnel") };
                }

                k.TunFlags = Be16.FromHost(flags);
                break;
            case "vxlan":
                var gbp = new KeyValueReader(value);
                while (gbp.Next(out _, out TextPiece inner)) Fields(inner, flow, GroupPolicyField);
                break;
            case "geneve":
                foreach (string option in value.ToString().Split('}', StringSplitOptions.RemoveEmptyEntries)) Option(flow, value, option);
                break;
            case "tp_src" or "tp_dst":
                // Of the outer header, and in no key.
                break;
            default:
                flow.ForeignMatch ??= $"tunnel {name}";
                break;
        }
    }

    /// <summary><c>{class=C,type=T,len=L,0xDATA</c>; options of other lengths are in no key.</summary>
    private static void Option(DpFlow flow, TextPiece whole, string text)
    {
        (UInt128 kind, UInt128 type, UInt128 length, UInt128? data) = (0, 0, 0, null);
        foreach (string member in text.TrimStart('{').Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = member.IndexOf('=', StringComparison.Ordinal);
            bool isNumber = NumberText.TryParse(member.AsSpan(equals + 1), UInt128.MaxValue, out UInt128 number);
            switch (equals < 0 ? "" : member[..equals])
            {
                case "class" when isNumber && number <= ushort.MaxValue: kind = number; break;
                case "type" when isNumber && number <= byte.MaxValue: type = number; break;
                case "len" when isNumber && number <= byte.MaxValue: length = number; break;
                case "" when member.StartsWith("0x", StringComparison.Ordinal): data = isNumber ? number : 0; break;
                default: whole.Fail($"`{member}': expected class, type, len or data of an option"); break;
            }
        }

        if (length != 4 && length != 8) return;
        if ((data ?? 0) > (length == 4 ? uint.MaxValue : ulong.MaxValue)) whole.Fail($"`{text}': data is longer than {length} bytes");
        flow.Options.Add((new GeneveOption((ushort)kind, (byte)type, (byte)length), (ulong)(data ?? 0)));
    }

    private static void GroupPolicyField(DpFlow flow, TextPiece name, TextPiece value)
    {
        if (name.Is("id")) flow.Value.TunGbpId = Be16.FromHost((ushort)Number(value, ushort.MaxValue).Value);
        else if (name.Is("flags")) flow.Value.TunGbpFlags = (byte)Number(value, byte.MaxValue).Value;
        else name.Fail($"`{name}': expected id or flags");
    }

    private static void TupleField(DpFlow flow, TextPiece name, TextPiece value)
    {
        ref FlowKey k = ref flow.Value;
        bool isIpv6 = value.ToString().Contains(':', StringComparison.Ordinal);
        switch (name.ToString())
        {
            case "src" when isIpv6:
                k.CtIpv6Src = Ipv6Address.FromUInt128(AddressText.Masked(value, FieldFormat.Ipv6).Value);
                break;
            case "dst" when isIpv6:
                k.CtIpv6Dst = Ipv6Address.FromUInt128(AddressText.Masked(value, FieldFormat.Ipv6).Value);
                break;
            case "src":
                k.CtNwSrc = Be32.FromHost((uint)AddressText.Masked(value, FieldFormat.Ipv4).Value);
                break;
            case "dst":
                k.CtNwDst = Be32.FromHost((uint)AddressText.Masked(value, FieldFormat.Ipv4).Value);
                break;
            case "proto":
                k.CtNwProto = (byte)Number(value, byte.MaxValue).Value;
                break;
            case "tp_src" or "src_port":
                k.CtTpSrc = Be16.FromHost((ushort)Number(value, ushort.MaxValue).Value);
                break;
            case "tp_dst" or "dst_port":
                k.CtTpDst = Be16.FromHost((ushort)Number(value, ushort.MaxValue).Value);
                break;
            default:
                name.Fail($"`{name}': unknown field of a tuple");
                break;
        }
    }

    private static void NeighbourField(DpFlow flow, TextPiece name, TextPiece value)
    {
        if (name.Is("target")) flow.Value.NdTarget = Ipv6Address.FromUInt128(AddressText.Masked(value, FieldFormat.Ipv6).Value);
        else if (name.Is("sll")) flow.Value.ArpSha = EthAddress.FromUInt64((ulong)AddressText.Masked(value, FieldFormat.Ethernet).Value);
        else if (name.Is("tll")) flow.Value.ArpTha = EthAddress.FromUInt64((ulong)AddressText.Masked(value, FieldFormat.Ethernet).Value);
        else name.Fail($"`{name}': expected target, sll or tll");
    }

    /// <summary>One entry after the other: <c>label=100,tc=0,ttl=64,bos=0,label=...</c>.</summary>
    private static void Labels(DpFlow flow, TextPiece text)
    {
        Span<uint> entries = stackalloc uint[3];
        int count = 0;
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece name, out TextPiece value))
        {
            (int shift, uint all) = name.ToString() switch
            {
                "label" => (LabelBits, 0xfffffu),
                "tc" => (9, 7u),
                "ttl" => (0, 0xffu),
                "bos" => (8, 1u),
                _ => throw name.Error($"`{name}': expected label, tc, ttl or bos"),
            };
            if (name.Is("label") && ++count > entries.Length) name.Fail("more than three labels");
            if (count == 0) name.Fail("expected label");
            entries[count - 1] |= (uint)Number(value, all).Value << shift;
        }

        (flow.Value.MplsLse0, flow.Value.MplsLse1, flow.Value.MplsLse2) = (Be32.FromHost(entries[0]), Be32.FromHost(entries[1]), Be32.FromHost(entries[2]));
    }

    /// <summary>Space behind an equals sign, a line's end included, says nothing (<c>ovs_scan</c>).</summary>
    private static string WithoutGaps(string text)
    {
        bool hasGap = false;
        for (int i = 1; i < text.Length; i++) hasGap |= text[i - 1] == '=' && TextPiece.IsSpace(text[i]);
        if (!hasGap) return text;
        var kept = new System.Text.StringBuilder(text.Length);
        foreach (char c in text)
        {
            if (!TextPiece.IsSpace(c) || kept.Length == 0 || kept[^1] != '=') kept.Append(c);
        }

        return kept.ToString();
    }
}
