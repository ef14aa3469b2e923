using System.Numerics;
using System.Text;

namespace Mergeflow.Nic;

/// <summary>
/// The pattern part of a testpmd command. <see cref="FlowItemEth.Type"/> is what follows the tags, which testpmd calls the
/// <c>inner_type</c> of the last vlan item.
/// </summary>
internal static class TestpmdPattern
{
    private const ulong AllMacBits = 0xffff_ffff_ffff;

    public static string Format(IReadOnlyList<FlowItem> pattern)
    {
        var s = new StringBuilder();
        FlowItemEth? eth = pattern.OfType<FlowItemEth>().FirstOrDefault();
        FlowItemVlan[] vlans = pattern.OfType<FlowItemVlan>().ToArray();
        int vlan = 0;
        foreach (FlowItem item in pattern)
        {
            // Its grammar knows tunnels by the headers of the packet outside, which a rule does not have.
            if (item is FlowItemTunnel) continue;
            switch (item)
            {
                case FlowItemEth i:
                    s.Append("eth ");
                    Field(s, "src", i.Src.Value, i.Src.Mask & AllMacBits, AllMacBits, static v => TestpmdFormatter.Mac((ulong)v));
                    Field(s, "dst", i.Dst.Value, i.Dst.Mask & AllMacBits, AllMacBits, static v => TestpmdFormatter.Mac((ulong)v));
                    Masked<ushort> outer = vlans.Length == 0 ? i.Type : vlans[0].Tpid;
                    Hex(s, "type", outer);
                    if (i.HasVlan is bool has) s.Append($"has_vlan is {(has ? 1 : 0)} ");

                    // "One tag or none" has no form: without a tag is narrower, and what else there is goes to software.
                    else if (i.HasMoreVlan == false) s.Append("has_vlan is 0 ");
                    break;
                case FlowItemVlan i:
                    s.Append("vlan ");
                    Hex(s, "tci", i.Tci);
                    Hex(s, "inner_type", ++vlan < vlans.Length ? vlans[vlan].Tpid : eth?.Type ?? default);
                    if (i.HasMoreVlan is bool more) s.Append($"has_more_vlan is {(more ? 1 : 0)} ");
                    break;
                case FlowItemMpls i:
                    s.Append("mpls ");
                    Decimal(s, "label", i.Lse.Value >> 12, i.Lse.Mask >> 12, 0xf_ffff);
                    Decimal(s, "tc", (i.Lse.Value >> 9) & 7, (i.Lse.Mask >> 9) & 7, 7);
                    Decimal(s, "s", (i.Lse.Value >> 8) & 1, (i.Lse.Mask >> 8) & 1, 1);
                    break;
                case FlowItemIpv4 i:
                    s.Append("ipv4 ");
                    Hex(s, "tos", i.Tos);
                    Fragment(s, i.Frag);
                    Decimal(s, "ttl", i.Ttl.Value, i.Ttl.Mask, 255);
                    Decimal(s, "proto", i.Proto.Value, i.Proto.Mask, 255);
                    Field(s, "src", i.Src.Value, i.Src.Mask, uint.MaxValue, static v => TestpmdFormatter.Ipv4((uint)v));
                    Field(s, "dst", i.Dst.Value, i.Dst.Mask, uint.MaxValue, static v => TestpmdFormatter.Ipv4((uint)v));
                    break;
                case FlowItemIpv6 i:
                    s.Append("ipv6 ");
                    Hex(s, "tc", i.Tos);
                    Field(s, "flow", i.FlowLabel.Value, i.FlowLabel.Mask & 0xf_ffff, 0xf_ffff, static v => $"0x{v:x}");
                    Decimal(s, "proto", i.Proto.Value, i.Proto.Mask, 255);
                    Decimal(s, "hop", i.Ttl.Value, i.Ttl.Mask, 255);
                    Field(s, "src", i.Src.Value, i.Src.Mask, UInt128.MaxValue, TestpmdFormatter.Ipv6);
                    Field(s, "dst", i.Dst.Value, i.Dst.Mask, UInt128.MaxValue, TestpmdFormatter.Ipv6);
                    break;
                case FlowItemTcp i:
                    s.Append("tcp ");
                    Ports(s, i.Src, i.Dst);
                    Hex(s, "flags", i.Flags with { Mask = (ushort)(i.Flags.Mask & 0xfff) }, 0xfff);
                    break;
                case FlowItemUdp i:
                    s.Append("udp ");
                    Ports(s, i.Src, i.Dst);
                    break;
                case FlowItemIcmp i:
                    s.Append("icmp ");
                    Decimal(s, "type", i.Type.Value, i.Type.Mask, 255);
                    Decimal(s, "code", i.Code.Value, i.Code.Mask, 255);
                    break;
                case FlowItemIcmp6 i:
                    s.Append("icmp6 ");
                    Decimal(s, "type", i.Type.Value, i.Type.Mask, 255);
                    Decimal(s, "code", i.Code.Value, i.Code.Mask, 255);
                    break;
                case FlowItemNd i:
                    bool isAdvert = pattern.OfType<FlowItemIcmp6>().Any(static p => (p.Type.Value & p.Type.Mask) == 136);
                    s.Append(isAdvert ? "icmp6_nd_na " : "icmp6_nd_ns ");
                    Field(s, "target_addr", i.Target.Value, i.Target.Mask, UInt128.MaxValue, TestpmdFormatter.Ipv6);
                    Option(s, "icmp6_nd_opt_sla_eth", "sla", i.Sll);
                    Option(s, "icmp6_nd_opt_tla_eth", "tla", i.Tll);
                    break;
                case FlowItemArp i:
                    s.Append("arp_eth_ipv4 ");
                    Field(s, "sha", i.Sha.Value, i.Sha.Mask & AllMacBits, AllMacBits, static v => TestpmdFormatter.Mac((ulong)v));
                    Field(s, "spa", i.Spa.Value, i.Spa.Mask, uint.MaxValue, static v => TestpmdFormatter.Ipv4((uint)v));
                    Field(s, "tha", i.Tha.Value, i.Tha.Mask & AllMacBits, AllMacBits, static v => TestpmdFormatter.Mac((ulong)v));
                    Field(s, "tpa", i.Tpa.Value, i.Tpa.Mask, uint.MaxValue, static v => TestpmdFormatter.Ipv4((uint)v));
                    break;
                case FlowItemIntegrity i:
                    // Bits of struct rte_flow_item_integrity: ipv4_csum_ok 5, l4_csum_ok 6.
                    int bits = (i.Ipv4CsumOk ? 0x20 : 0) | (i.L4CsumOk ? 0x40 : 0);
                    s.Append($"integrity level is 0 value mask 0x{bits:x} value spec 0x{bits:x} ");
                    break;
                default:
                    s.Append($"{item.Name} ");
                    break;
            }
            s.Append("/ ");
        }
        return s.ToString();
    }

    private static void Ports(StringBuilder s, Masked<ushort> src, Masked<ushort> dst)
    {
        Decimal(s, "src", src.Value, src.Mask, ushort.MaxValue);
        Decimal(s, "dst", dst.Value, dst.Mask, ushort.MaxValue);
    }

    private static void Option(StringBuilder s, string item, string field, Masked<ulong> mac)
    {
        if ((mac.Mask & AllMacBits) == 0) return;
        s.Append($"/ {item} ");
        Field(s, field, mac.Value, mac.Mask & AllMacBits, AllMacBits, static v => TestpmdFormatter.Mac((ulong)v));
    }

    /// <summary>Our two bits in terms of the header's 16: flags in the high 3, offset in the low 13.</summary>
    private static void Fragment(StringBuilder s, Masked<byte> frag)
    {
        int mask = frag.Mask & 3;
        if (mask == 0) return;
        string text = (mask, frag.Value & mask) switch
        {
            (1 or 3, 0) => "spec 0 fragment_offset mask 0x3fff",
            (2, 0) => "spec 0 fragment_offset mask 0x1fff",
            (1, 1) => "spec 0x1 fragment_offset last 0x3fff fragment_offset mask 0x3fff",
            (3, 1) => "spec 0x2000 fragment_offset mask 0x3fff",
            _ => "spec 0x1 fragment_offset last 0x1fff fragment_offset mask 0x1fff",
        };
        s.Append($"fragment_offset {text} ");
    }

    private static void Hex<T>(StringBuilder s, string name, Masked<T> field, T? whole = null)
        where T : unmanaged, IBinaryInteger<T>
        => Field(s, name, UInt128.CreateTruncating(field.Value), UInt128.CreateTruncating(field.Mask), UInt128.CreateTruncating(whole ?? ~T.Zero), static v => $"0x{v:x}");

    private static void Decimal(StringBuilder s, string name, UInt128 value, UInt128 mask, UInt128 whole)
    {
        if (mask == whole) s.Append($"{name} is {value} ");
        else Field(s, name, value, mask, whole, static v => $"0x{v:x}");
    }

    private static void Field(StringBuilder s, string name, UInt128 value, UInt128 mask, UInt128 whole, Func<UInt128, string> print)
    {
        if (mask == 0) return;
        if (mask == whole) s.Append($"{name} is {print(value)} ");
        else s.Append($"{name} spec {print(value & mask)} {name} mask {print(mask)} ");
    }
}
