using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

public sealed class TestpmdFormatterTests
{
    [Fact]
    public void A_NAT_rule_reads_as_in_the_guide()
    {
        var rule = new FlowRule(
            new FlowAttr(3, FlowTable.ExactMatch),
            [
                new FlowItemEth { Type = 0x0800, HasVlan = false },
                new FlowItemIpv4 { Src = 0x0a000001, Dst = new(0x0a000000, 0xff000000), Proto = 6, Frag = 0 },
                new FlowItemTcp { Src = 1000, Dst = 80, Flags = new(0, 7) },
                new FlowItemIntegrity { Ipv4CsumOk = true, L4CsumOk = true },
            ],
            [new FlowActionCount(), new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetTpSrc(4242), new FlowActionDecTtl(), new FlowActionPort(2)]);
        Assert.Equal(
            "flow create 3 ingress pattern eth type is 0x800 has_vlan is 0 / ipv4 fragment_offset spec 0 fragment_offset mask 0x3fff proto is 6 src is 10.0.0.1 "
            + "dst spec 10.0.0.0 dst mask 255.0.0.0 / tcp src is 1000 dst is 80 flags spec 0x0 flags mask 0x7 / integrity level is 0 value mask 0x60 value spec 0x60 / end "
            + "actions count / set_ipv4_src ipv4_addr 192.168.1.1 / set_tp_src port 4242 / dec_ttl / port_id id 2 / end",
            TestpmdFormatter.Format(rule));
    }

    [Fact]
    public void Tags_carry_the_inner_type()
    {
        var rule = new FlowRule(
            new FlowAttr(null),
            [
                new FlowItemEth { Dst = 0x0200_0000_0001, Type = 0x86dd },
                new FlowItemVlan { Tpid = 0x88a8, Tci = new(5, 0xfff) },
                new FlowItemVlan { Tpid = 0x8100, Tci = 0x2006 },
                new FlowItemIpv6 { Dst = new UInt128(0x2001_0db8_0000_0000, 1), Ttl = 64 },
                new FlowItemUdp { Dst = 53 },
            ],
            [new FlowActionOfPopVlan(), new FlowActionOfSetVlanTci(new(0x6007, 0xefff)), new FlowActionSetTos(new(0xb8, 0xfc)), new FlowActionPort(1)]);
        Assert.Equal(
            "flow create 0 ingress pattern eth dst is 02:00:00:00:00:01 type is 0x88a8 / vlan tci spec 0x5 tci mask 0xfff inner_type is 0x8100 / vlan tci is 0x2006 inner_type is 0x86dd / "
            + "ipv6 hop is 64 dst is 2001:db8::1 / udp dst is 53 / end actions of_pop_vlan / of_set_vlan_vid vlan_vid 7 / of_set_vlan_pcp vlan_pcp 3 / set_ipv6_dscp dscp_value 46 / port_id id 1 / end",
            TestpmdFormatter.Format(rule));
    }

    [Fact]
    public void Partial_writes_become_modify_field_and_samples_come_first()
    {
        var rule = new FlowRule(
            new FlowAttr(0),
            [new FlowItemEth(), new FlowItemMpls { Lse = new(0x0001_0100, 0xffff_f100) }],
            [
                new FlowActionSample([new FlowActionSetMacSrc(0x0200_0000_0009), new FlowActionPort(7)]),
                new FlowActionSetMacDst(new(0x0102_0000_0000, 0x0fff_0000_00ff)),
                new FlowActionOfPopMpls(0x0800),
                new FlowActionDrop(),
            ]);
        Assert.Equal(
            "set sample_actions 0 set_mac_src mac_addr 02:00:00:00:00:09 / port_id id 7 / end\n"
            + "flow create 0 ingress pattern eth / mpls label is 16 s is 1 / end actions sample ratio 1 index 0 / "
            + "modify_field op set dst_type mac_dst dst_offset 0 src_type value src_value 0x0 width 8 / modify_field op set dst_type mac_dst dst_offset 32 src_type value src_value 0x102 width 12 / "
            + "of_pop_mpls ethertype 0x0800 / drop / end",
            TestpmdFormatter.Format(rule));
    }

    [Theory]
    [InlineData(0, 3, "spec 0 fragment_offset mask 0x3fff")]
    [InlineData(1, 3, "spec 0x2000 fragment_offset mask 0x3fff")]
    [InlineData(3, 3, "spec 0x1 fragment_offset last 0x1fff fragment_offset mask 0x1fff")]
    [InlineData(1, 1, "spec 0x1 fragment_offset last 0x3fff fragment_offset mask 0x3fff")]
    [InlineData(0, 2, "spec 0 fragment_offset mask 0x1fff")]
    public void Fragment_bits_become_fragment_offset(byte value, byte mask, string expected)
    {
        var rule = new FlowRule(new FlowAttr(0), [new FlowItemIpv4 { Frag = new(value, mask) }], [new FlowActionDrop()]);
        Assert.Equal($"flow create 0 ingress pattern ipv4 fragment_offset {expected} / end actions drop / end", TestpmdFormatter.Format(rule));
    }

    /// <summary>Words that the grammar of DPDK 22.11 does not have, as its testpmd has shown: they are named, and never printed.</summary>
    [Fact]
    public void What_testpmd_has_no_word_for_is_named_and_left_out()
    {
        static (string Inexact, string Missing, string Command) Say(FlowItem[] items, params FlowAction[] actions)
        {
            FlowRule rule = new(new FlowAttr(3), items, [.. actions, new FlowActionPort(1)]);
            TestpmdFormatter.Unsaid(rule, out IReadOnlyList<string> inexact, out IReadOnlyList<string> missing);
            return (string.Join(';', inexact), string.Join(';', missing), TestpmdFormatter.Format(rule));
        }

        Assert.Equal(("opcode of arp_eth_ipv4", "", "flow create 3 ingress pattern arp_eth_ipv4 / end actions port_id id 1 / end"), Say([new FlowItemArp { Op = 2 }]));
        Assert.Equal(("ttl of mpls", "", "flow create 3 ingress pattern mpls label is 7 / end actions port_id id 1 / end"), Say([new FlowItemMpls { Lse = new(0x7001, 0xffff_f0ff) }]));
        Assert.Equal(("", "", "flow create 3 ingress pattern end actions of_push_vlan ethertype 0x8100 / of_set_vlan_vid vlan_vid 5 / of_set_vlan_pcp vlan_pcp 1 / port_id id 1 / end"), Say([], new FlowActionOfPushVlan(0x8100), new FlowActionOfSetVlanTci(0x2005)));
        Assert.Equal(("clear the DEI bit", "", "flow create 3 ingress pattern end actions of_set_vlan_vid vlan_vid 5 / of_set_vlan_pcp vlan_pcp 1 / port_id id 1 / end"), Say([], new FlowActionOfSetVlanTci(0x2005)));
        Assert.Equal(("", "", "flow create 3 ingress pattern end actions of_set_vlan_vid vlan_vid 5 / port_id id 1 / end"), Say([], new FlowActionOfSetVlanTci(new(0x1005, 0xfff))));
        Assert.Equal("set the DEI bit", Say([], new FlowActionOfPushVlan(0x8100), new FlowActionOfSetVlanTci(0x1005)).Missing);
        Assert.Equal("write mpls (modify_field)", Say([], new FlowActionOfPushMpls(0x8847, 0x40)).Missing);
        Assert.Equal("changes in a copy (sample_actions)", Say([], new FlowActionSample([new FlowActionSetMacSrc(1), new FlowActionPort(2)])).Missing);
        Assert.Equal("", Say([], new FlowActionSample([new FlowActionPort(2)])).Missing);
    }

    [Fact]
    public void ARP_ICMP_and_neighbour_items()
    {
        static string Pattern(params FlowItem[] items) => TestpmdFormatter.Format(new FlowRule(new FlowAttr(0), items, [new FlowActionDrop()]));
        Assert.Equal("flow create 0 ingress pattern arp_eth_ipv4 sha is 02:00:00:00:00:01 spa is 10.0.0.1 tpa is 10.0.0.2 / end actions drop / end",
            Pattern(new FlowItemArp { Op = 1, Sha = 0x0200_0000_0001, Spa = 0x0a000001, Tpa = 0x0a000002 }));
        Assert.Equal("flow create 0 ingress pattern icmp type is 8 code is 0 / end actions drop / end", Pattern(new FlowItemIcmp { Type = 8, Code = 0 }));
        Assert.Equal("flow create 0 ingress pattern icmp6 type is 136 / icmp6_nd_na target_addr is fd00::1 / icmp6_nd_opt_tla_eth tla is 02:00:00:00:00:01 / end actions drop / end",
            Pattern(new FlowItemIcmp6 { Type = 136 }, new FlowItemNd { Target = new UInt128(0xfd00_0000_0000_0000, 1), Tll = new(0x0200_0000_0001, 0xffff_ffff_ffff) }));
    }
}
