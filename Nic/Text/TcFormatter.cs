using System.Globalization;
using System.Numerics;
using System.Text;

namespace Mergeflow.Nic;

/// <summary>
/// Prints a rule as the commands of Linux' tc that a driver would offload (tc-flower(8), tc-pedit(8), tc-vlan(8), tc-mpls(8), tc-mirred(8)). What tc has no word for
/// is named: without a part of the match the filter is not exactly the rule, without an action there is none.
/// </summary>
public static class TcFormatter
{
    /// <summary>The command, and what it leaves out.</summary>
    /// <param name="rule">What to say.</param>
    /// <param name="deviceOf">Network device of a port.</param>
    /// <param name="missingMatch">Parts of the match that are not in it.</param>
    /// <param name="missingActions">Actions that tc has not; the command is then null.</param>
    public static string? Format(FlowRule rule, Func<uint, string> deviceOf, out IReadOnlyList<string> missingMatch, out IReadOnlyList<string> missingActions)
    {
        List<string> unsaid = [];
        string match = TcMatch.Format(rule.Pattern, unsaid);
        if (rule.Actions.Any(static a => a is FlowActionDecTtl)) unsaid.Add("a TTL that stays above 0");
        missingMatch = unsaid;
        TcActions actions = new(rule, deviceOf);
        string? text = actions.Format();
        missingActions = actions.Missing;
        string device = rule.Attr.IngressPort is uint port ? deviceOf(port) : "DEV";
        return text is null ? null : $"tc filter add dev {device} ingress {match}{text}";
    }

    internal static string Masked<T>(Masked<T> field, T whole, string format = "x")
        where T : unmanaged, IBinaryInteger<T>
        => (field.Mask & whole) == whole
            ? format == "x" ? $"0x{field.Value:x}" : field.Value.ToString(null, CultureInfo.InvariantCulture)
            : $"0x{field.Value & field.Mask:x}/0x{field.Mask & whole:x}";

    internal static string Mac(Masked<ulong> mac)
    {
        const ulong all = 0xffff_ffff_ffff;
        return (mac.Mask & all) == all ? TestpmdFormatter.Mac(mac.Value) : $"{TestpmdFormatter.Mac(mac.Value & mac.Mask)}/{TestpmdFormatter.Mac(mac.Mask)}";
    }
}

/// <summary>The match of a flower filter.</summary>
internal static class TcMatch
{
    public static string Format(IReadOnlyList<FlowItem> pattern, List<string> unsaid)
    {
        FlowItemEth? eth = pattern.OfType<FlowItemEth>().FirstOrDefault();
        FlowItemVlan[] vlans = [.. pattern.OfType<FlowItemVlan>()];
        StringBuilder keys = new();
        Masked<ushort> inner = eth?.Type ?? default;
        string protocol = vlans.Length > 0 ? Protocol(vlans[0].Tpid, unsaid, "802.1q") : Protocol(inner, unsaid, "all");

        // The protocol of a filter is the outermost type, so one that is not a tag's says "untagged".
        if (vlans.Length == 0 && eth?.HasVlan == false && inner.IsWildcard) unsaid.Add("untagged (no type)");
        if (vlans.Length == 0 && eth is { HasVlan: null, HasMoreVlan: false } && inner.IsWildcard) unsaid.Add("no second tag");
        if (vlans.Length == 0 && eth?.HasVlan is null && !inner.IsWildcard) unsaid.Add("frames with a tag as well as without (it takes those without)");
        int vlan = 0;
        foreach (FlowItem item in pattern) Append(keys, item, vlans, ref vlan, inner, unsaid);
        return $"protocol {protocol} flower {keys}";
    }

    private static void Append(StringBuilder s, FlowItem item, FlowItemVlan[] vlans, ref int vlan, Masked<ushort> inner, List<string> unsaid)
    {
        switch (item)
        {
            case FlowItemEth i:
                if (!i.Dst.IsWildcard) s.Append($"dst_mac {TcFormatter.Mac(i.Dst)} ");
                if (!i.Src.IsWildcard) s.Append($"src_mac {TcFormatter.Mac(i.Src)} ");
                break;
            case FlowItemVlan i:
                string prefix = vlan == 0 ? "vlan" : "cvlan";
                if ((i.Tci.Mask & 0xfff) == 0xfff) s.Append($"{prefix}_id {i.Tci.Value & 0xfff} ");
                else if ((i.Tci.Mask & 0xfff) != 0) unsaid.Add($"{prefix}_id under a mask");
                if (i.Tci.Mask >> 13 == 7) s.Append($"{prefix}_prio {i.Tci.Value >> 13} ");
                else if (i.Tci.Mask >> 13 != 0) unsaid.Add($"{prefix}_prio under a mask");
                Masked<ushort> next = ++vlan < vlans.Length ? vlans[vlan].Tpid : inner;
                if (!next.IsWildcard) s.Append($"{prefix}_ethtype {Protocol(next, unsaid, "all")} ");
                if (i.HasMoreVlan == false && next.IsWildcard) unsaid.Add("no second tag (no type)");
                break;
            case FlowItemMpls i:
                Decimal(s, "mpls_label", i.Lse.Value >> 12, i.Lse.Mask >> 12, 0xf_ffff, unsaid);
                Decimal(s, "mpls_tc", (i.Lse.Value >> 9) & 7, (i.Lse.Mask >> 9) & 7, 7, unsaid);
                Decimal(s, "mpls_bos", (i.Lse.Value >> 8) & 1, (i.Lse.Mask >> 8) & 1, 1, unsaid);
                Decimal(s, "mpls_ttl", i.Lse.Value & 255, i.Lse.Mask & 255, 255, unsaid);
                break;
            case FlowItemIpv4 i:
                Proto(s, i.Proto, unsaid);
                Address(s, "src_ip", i.Src.Value, i.Src.Mask, 32, static v => TestpmdFormatter.Ipv4((uint)v), unsaid);
                Address(s, "dst_ip", i.Dst.Value, i.Dst.Mask, 32, static v => TestpmdFormatter.Ipv4((uint)v), unsaid);
                TosTtl(s, i.Tos, i.Ttl);
                Fragment(s, i.Frag, unsaid);
                break;
            case FlowItemIpv6 i:
                Proto(s, i.Proto, unsaid);
                Address(s, "src_ip", i.Src.Value, i.Src.Mask, 128, TestpmdFormatter.Ipv6, unsaid);
                Address(s, "dst_ip", i.Dst.Value, i.Dst.Mask, 128, TestpmdFormatter.Ipv6, unsaid);
                TosTtl(s, i.Tos, i.Ttl);
                if ((i.FlowLabel.Mask & 0xf_ffff) != 0) unsaid.Add("ipv6 flow label");
                break;
            case FlowItemTcp i:
                Ports(s, i.Src, i.Dst, unsaid);
                if ((i.Flags.Mask & 0xfff) != 0) s.Append($"tcp_flags 0x{i.Flags.Value & i.Flags.Mask & 0xfff:x}/0x{i.Flags.Mask & 0xfff:x} ");
                break;
            case FlowItemUdp i:
                Ports(s, i.Src, i.Dst, unsaid);
                break;
            case FlowItemIcmp i:
                TypeCode(s, i.Type, i.Code);
                break;
            case FlowItemIcmp6 i:
                TypeCode(s, i.Type, i.Code);
                break;
            case FlowItemArp i:
                if (!i.Op.IsWildcard) s.Append($"arp_op {Small((byte)i.Op.Value, (byte)i.Op.Mask)} ");
                Address(s, "arp_sip", i.Spa.Value, i.Spa.Mask, 32, static v => TestpmdFormatter.Ipv4((uint)v), unsaid);
                Address(s, "arp_tip", i.Tpa.Value, i.Tpa.Mask, 32, static v => TestpmdFormatter.Ipv4((uint)v), unsaid);
                if (!i.Sha.IsWildcard) s.Append($"arp_sha {TcFormatter.Mac(i.Sha)} ");
                if (!i.Tha.IsWildcard) s.Append($"arp_tha {TcFormatter.Mac(i.Tha)} ");
                break;
            case FlowItemIntegrity:
                unsaid.Add("a good checksum");
                break;
            default:
                unsaid.Add(item.Name);
                break;
        }
    }

    private static string Protocol(Masked<ushort> type, List<string> unsaid, string any)
    {
        if (type.IsWildcard) return any;
        if (type.Mask != ushort.MaxValue) unsaid.Add("the type under a mask");
        return type.Value switch
        {
            0x0800 => "ip",
            0x86dd => "ipv6",
            0x0806 => "arp",
            0x8035 => "rarp",
            0x8100 => "802.1q",
            0x88a8 => "802.1ad",
            0x8847 => "mpls_uc",
            0x8848 => "mpls_mc",
            _ => $"0x{type.Value:x4}",
        };
    }

    private static void Proto(StringBuilder s, Masked<byte> proto, List<string> unsaid)
    {
        if (proto.IsWildcard) return;
        if (proto.Mask != byte.MaxValue) unsaid.Add("ip_proto under a mask");
        else s.Append($"ip_proto {(proto.Value switch { 1 => "icmp", 6 => "tcp", 17 => "udp", 58 => "icmpv6", 132 => "sctp", _ => $"0x{proto.Value:x2}" })} ");
    }

    private static void Address(StringBuilder s, string name, UInt128 value, UInt128 mask, int bits, Func<UInt128, string> print, List<string> unsaid)
    {
        if (mask == 0) return;
        UInt128 whole = bits == 128 ? UInt128.MaxValue : (UInt128.One << bits) - 1;
        int length = bits - (int)UInt128.TrailingZeroCount(mask);
        if ((mask | (mask - 1)) != whole) unsaid.Add($"{name} under a mask that is no prefix");
        else s.Append(length == bits ? $"{name} {print(value)} " : $"{name} {print(value & mask)}/{length} ");
    }

    private static void TosTtl(StringBuilder s, Masked<byte> tos, Masked<byte> ttl)
    {
        if (!tos.IsWildcard) s.Append($"ip_tos {TcFormatter.Masked(tos, byte.MaxValue)} ");
        if (!ttl.IsWildcard) s.Append($"ip_ttl {TcFormatter.Masked(ttl, byte.MaxValue, "d")} ");
    }

    private static void Fragment(StringBuilder s, Masked<byte> frag, List<string> unsaid)
    {
        int mask = frag.Mask & 3;
        string flags = (mask, frag.Value & mask) switch
        {
            (0, _) => "",
            (1 or 3, 0) => "ip_flags nofrag ",
            (1, 1) => "ip_flags frag ",
            (3, 1) => "ip_flags frag/firstfrag ",
            (2, 2) or (3, 3) => "ip_flags frag/nofirstfrag ",
            _ => "?",
        };
        if (flags == "?") unsaid.Add("first fragments together with whole packets");
        else s.Append(flags);
    }

    private static void Ports(StringBuilder s, Masked<ushort> src, Masked<ushort> dst, List<string> unsaid)
    {
        Port(s, "src_port", src, unsaid);
        Port(s, "dst_port", dst, unsaid);
    }

    /// <summary>tc takes every port but 0.</summary>
    private static void Port(StringBuilder s, string name, Masked<ushort> port, List<string> unsaid)
    {
        if (port.Mask == ushort.MaxValue && port.Value == 0) unsaid.Add($"{name} 0");
        else if (!port.IsWildcard) s.Append($"{name} {TcFormatter.Masked(port, ushort.MaxValue, "d")} ");
    }

    private static void TypeCode(StringBuilder s, Masked<byte> type, Masked<byte> code)
    {
        if (!type.IsWildcard) s.Append($"type {Small(type.Value, type.Mask)} ");
        if (!code.IsWildcard) s.Append($"code {Small(code.Value, code.Mask)} ");
    }

    /// <summary>What tc takes in decimal digits only.</summary>
    private static string Small(byte value, byte mask) => mask == byte.MaxValue ? $"{value}" : $"{value & mask}/{mask}";

    private static void Decimal(StringBuilder s, string name, uint value, uint mask, uint whole, List<string> unsaid)
    {
        if (mask == 0) return;
        if (mask != whole) unsaid.Add($"{name} under a mask");
        else s.Append($"{name} {value} ");
    }
}
