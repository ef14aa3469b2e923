using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Commands that iproute2's tc takes (its parser has read some 4,000 rules of the recorded cases), and names for what it cannot say.</summary>
public sealed class TcFormatterTests
{
    private static readonly FlowItem[] s_tcp =
    [
        new FlowItemEth { Type = 0x0800, HasVlan = false },
        new FlowItemIpv4 { Src = 0x0a000001, Dst = new(0x0a000000, 0xff000000), Proto = 6, Frag = 0 },
        new FlowItemTcp { Src = 1000, Dst = new(80, 0xfff0), Flags = new(0x10, 0x17) },
    ];

    [Fact]
    public void A_NAT_rule_is_one_pedit_one_csum_and_a_redirect()
        => Assert.Equal(
            "tc filter add dev p3 ingress protocol ip flower ip_proto tcp src_ip 10.0.0.1 dst_ip 10.0.0.0/8 ip_flags nofrag src_port 1000 dst_port 0x50/0xfff0 tcp_flags 0x10/0x17 "
            + "action pedit ex munge eth dst set 02:00:00:00:00:07 munge ip src set 192.168.1.1 munge tcp sport set 4242 munge ip ttl set 63 pipe action csum ip and tcp pipe action mirred egress redirect dev p2",
            Said(s_tcp, new FlowActionCount(), new FlowActionSetMacDst(0x0200_0000_0007), new FlowActionSetIpv4Src(0xc0a80101), new FlowActionSetTpSrc(4242), new FlowActionSetTtl(63), new FlowActionPort(2)));

    [Fact]
    public void Only_the_last_output_redirects_and_rewrites_stand_where_they_act()
        => Assert.EndsWith(
            "action mirred egress mirror dev p1 pipe action pedit ex munge ip tos set 0xb8 retain 0xfc pipe action csum ip pipe action mirred egress mirror dev p4 pipe action mirred egress redirect dev p2",
            Said(s_tcp, new FlowActionSample([new FlowActionPort(1)]), new FlowActionSetTos(new(0xb8, 0xfc)), new FlowActionPort(4), new FlowActionPort(2), new FlowActionSetTtl(1)),
            StringComparison.Ordinal);

    [Fact]
    public void Tags_and_labels_have_words()
    {
        FlowItem[] pattern = [new FlowItemEth { Type = 0x86dd }, new FlowItemVlan { Tpid = 0x88a8, Tci = new(0x2005, 0xefff) }, new FlowItemVlan { Tpid = 0x8100, Tci = new(6, 0xfff) }, new FlowItemIpv6 { Proto = 58 }, new FlowItemIcmp6 { Type = 135 }];
        Assert.Equal(
            "tc filter add dev p3 ingress protocol 802.1ad flower vlan_id 5 vlan_prio 1 vlan_ethtype 802.1q cvlan_id 6 cvlan_ethtype ipv6 ip_proto icmpv6 type 135 "
            + "action vlan pop pipe action vlan push protocol 802.1q id 9 priority 3 pipe action mpls push protocol mpls_uc label 77 tc 0 bos 1 ttl 64 pipe action drop",
            Said(pattern, new FlowActionOfPopVlan(), new FlowActionOfPushVlan(0x8100), new FlowActionOfSetVlanTci(0x6009), new FlowActionOfPushMpls(0x8847, (77u << 12) | 0x140), new FlowActionCount()));
        Assert.Equal("tc filter add dev DEV ingress protocol all flower action drop", TcFormatter.Format(new FlowRule(new FlowAttr(null), [], [new FlowActionDrop()]), Device, out _, out _));
    }

    public static TheoryData<string, FlowItem> MatchesThatAreNamed => new()
    {
        { "a good checksum", new FlowItemIntegrity { L4CsumOk = true } },
        { "src_ip under a mask that is no prefix", new FlowItemIpv4 { Src = new(1, 0xff00ff) } },
        { "ip_proto under a mask", new FlowItemIpv4 { Proto = new(6, 6) } },
        { "dst_port 0", new FlowItemUdp { Dst = 0 } },
        { "ipv6 flow label", new FlowItemIpv6 { FlowLabel = 5 } },
        { "vlan_id under a mask", new FlowItemVlan { Tci = new(1, 0xf) } },
        { "frames with a tag as well as without (it takes those without)", new FlowItemEth { Type = 0x0800 } },
        { "icmp6_nd", new FlowItemNd { Target = UInt128.One } },
    };

    [Theory]
    [MemberData(nameof(MatchesThatAreNamed))]
    public void A_match_that_tc_has_not_is_named(string expected, FlowItem item)
    {
        Assert.NotNull(TcFormatter.Format(new FlowRule(new FlowAttr(3), [item], [new FlowActionDrop()]), Device, out IReadOnlyList<string> match, out IReadOnlyList<string> actions));
        Assert.Equal([expected], match);
        Assert.Empty(actions);
    }

    public static TheoryData<string, FlowAction> ActionsThatAreNamed => new()
    {
        { "rewrites of a copy (sample)", new FlowActionSample([new FlowActionDecTtl(), new FlowActionPort(1)]) },
        { "set_ipv4_dst under a mask", new FlowActionSetIpv4Dst(new(1, 0xff)) },
        { "of_set_vlan_tci under a mask", new FlowActionOfSetVlanTci(new(1, 0xf)) },
        { "of_set_mpls under a mask", new FlowActionOfSetMpls(new(1, 0xf)) },
    };

    [Theory]
    [MemberData(nameof(ActionsThatAreNamed))]
    public void An_action_that_tc_has_not_is_named_and_there_is_no_command(string expected, FlowAction action)
    {
        Assert.Null(TcFormatter.Format(new FlowRule(new FlowAttr(3), s_tcp, [action, new FlowActionPort(1)]), Device, out _, out IReadOnlyList<string> actions));
        Assert.Equal([expected], actions);
    }

    [Theory]
    [InlineData("tc", "tc filter add dev p3 ingress protocol ip flower ip_proto tcp")]
    [InlineData("testpmd", "flow create 3 ingress pattern eth type is 0x800 / ipv4 ")]
    public void The_rules_of_a_replay_are_commands(string form, string expected)
    {
        CliRun run = CliRun.Of("offload", "show", "--as", form, "--case", CaseFiles.Load("ct_firewall").Directory, "--offload", "nic");
        string[] lines = [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        Assert.Contains(lines, l => l.StartsWith(expected, StringComparison.Ordinal));
        Assert.All(lines, l => Assert.True(l[0] == '#' || l.StartsWith(expected.Split(' ')[0], StringComparison.Ordinal), l));
        Assert.Equal(64, CliRun.Of("offload", "show", "--as", form, "--dead", "--case", CaseFiles.Load("ct_firewall").Directory, "--offload", "nic").ExitCode);
    }

    private static string Device(uint port) => $"p{port}";

    private static string? Said(FlowItem[] pattern, params FlowAction[] actions)
    {
        string? text = TcFormatter.Format(new FlowRule(new FlowAttr(3), pattern, actions), Device, out IReadOnlyList<string> match, out IReadOnlyList<string> missing);
        Assert.Empty(match);
        Assert.Empty(missing);
        return text;
    }
}
