using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

public sealed class NicValidateTests
{
    private static readonly FlowItem[] s_tcp = [new FlowItemEth(), new FlowItemIpv4(), new FlowItemTcp()];

    private static FlowError? Validate(string profile, FlowItem[] pattern, params FlowAction[] actions)
    {
        using var nic = new EmulatedNic(NicProfile.Load(profile));
        return nic.Validate(new FlowRule(new FlowAttr(1), pattern, actions));
    }

    private static FlowError? WithField(NicField field, MatchSupport support, params FlowItem[] pattern)
    {
        NicProfile ideal = NicProfile.Load("ideal");
        MatchSupport[] fields = [.. ideal.Fields];
        fields[(int)field] = support;
        using var nic = new EmulatedNic(ideal with { Name = "odd", Fields = fields });
        return nic.Validate(new FlowRule(new FlowAttr(1), pattern, [new FlowActionDrop()]));
    }

    [Fact]
    public void A_field_that_the_profile_lacks_is_named()
    {
        FlowError? e = Validate("no-tcp-flags-match", [new FlowItemEth(), new FlowItemIpv4(), new FlowItemTcp { Flags = new(0, 7) }], new FlowActionDrop());
        Assert.Equal(new FlowError(FlowErrno.NotSupported, FlowErrorType.ItemMask, "profile no-tcp-flags-match cannot match tcp_flags") { Subject = "tcp_flags" }, e);
        Assert.Null(Validate("no-tcp-flags-match", s_tcp, new FlowActionDrop()));
    }

    [Fact]
    public void An_action_that_the_profile_lacks_is_named()
    {
        FlowError? e = Validate("no-nat", s_tcp, new FlowActionSetIpv4Dst(1), new FlowActionPort(2));
        Assert.Equal(new FlowError(FlowErrno.NotSupported, FlowErrorType.Action, "profile no-nat has no action set_ipv4_dst") { Subject = "set_ipv4_dst" }, e);
        Assert.Equal("set_tp_src", Validate("no-nat", s_tcp, new FlowActionDrop(), new FlowActionSample([new FlowActionSetTpSrc(1), new FlowActionPort(1)]))?.Subject);
    }

    /// <summary>For each field: a pattern that uses some of its bits, and one that uses all.</summary>
    public static TheoryData<NicField, FlowItem[], FlowItem[]> FieldUses()
    {
        FlowItemEth eth = new();
        FlowItemIpv4 v4 = new();
        FlowItemIpv6 v6 = new();
        UInt128 all = UInt128.MaxValue;
        return new()
        {
            { NicField.EthDst, [new FlowItemEth { Dst = new(1, 1) }], [new FlowItemEth { Dst = 1 }] },
            { NicField.EthSrc, [new FlowItemEth { Src = new(1, 1) }], [new FlowItemEth { Src = 1 }] },
            { NicField.EthType, [new FlowItemEth { Type = new(1, 1) }], [new FlowItemEth { Type = 1 }] },
            { NicField.VlanTpid, [new FlowItemVlan { Tpid = new(0, 1) }], [new FlowItemVlan { Tpid = 0x8100 }] },
            { NicField.VlanVid, [new FlowItemVlan { Tci = new(0, 1) }], [new FlowItemVlan { Tci = new(0, 0xfff) }] },
            { NicField.VlanPcp, [new FlowItemVlan { Tci = new(0, 0x8000) }], [new FlowItemVlan { Tci = new(0, 0xe000) }] },
            { NicField.Vlan2Tpid, [new FlowItemVlan(), new FlowItemVlan { Tpid = new(0, 1) }], [new FlowItemVlan(), new FlowItemVlan { Tpid = 0x8100 }] },
            { NicField.Vlan2Vid, [new FlowItemVlan(), new FlowItemVlan { Tci = new(0, 1) }], [new FlowItemVlan(), new FlowItemVlan { Tci = new(0, 0xfff) }] },
            { NicField.MplsLabel, [new FlowItemMpls { Lse = new(0, 0x1000) }], [new FlowItemMpls { Lse = new(0, 0xfffff000) }] },
            { NicField.MplsTtl, [new FlowItemMpls { Lse = new(0, 1) }], [new FlowItemMpls { Lse = new(0, 0xff) }] },
            { NicField.Ipv4Src, [eth, new FlowItemIpv4 { Src = new(0, 1) }], [eth, new FlowItemIpv4 { Src = 1 }] },
            { NicField.Ipv4Dst, [eth, new FlowItemIpv4 { Dst = new(0, 1) }], [eth, new FlowItemIpv4 { Dst = 1 }] },
            { NicField.IpProto, [eth, new FlowItemIpv4 { Proto = new(0, 1) }], [eth, new FlowItemIpv4 { Proto = 1 }] },
            { NicField.IpDscp, [eth, new FlowItemIpv4 { Tos = new(0, 4) }], [eth, new FlowItemIpv4 { Tos = new(0, 0xfc) }] },
            { NicField.IpEcn, [eth, new FlowItemIpv4 { Tos = new(0, 1) }], [eth, new FlowItemIpv4 { Tos = new(0, 3) }] },
            { NicField.IpTtl, [eth, new FlowItemIpv4 { Ttl = new(0, 1) }], [eth, new FlowItemIpv4 { Ttl = 1 }] },
            { NicField.IpFrag, [eth, new FlowItemIpv4 { Frag = new(0, 1) }], [eth, new FlowItemIpv4 { Frag = 0 }] },
            { NicField.Ipv6Src, [eth, new FlowItemIpv6 { Src = new(0, 1) }], [eth, new FlowItemIpv6 { Src = new(0, all) }] },
            { NicField.Ipv6Dst, [eth, new FlowItemIpv6 { Dst = new(0, 1) }], [eth, new FlowItemIpv6 { Dst = new(0, all) }] },
            { NicField.Ipv6Label, [eth, new FlowItemIpv6 { FlowLabel = new(0, 1) }], [eth, new FlowItemIpv6 { FlowLabel = 0 }] },
            { NicField.TpSrc, [eth, v4, new FlowItemTcp { Src = new(0, 1) }], [eth, v4, new FlowItemTcp { Src = 1 }] },
            { NicField.TpDst, [eth, v4, new FlowItemUdp { Dst = new(0, 1) }], [eth, v4, new FlowItemUdp { Dst = 1 }] },
            { NicField.TcpFlags, [eth, v6, new FlowItemTcp { Flags = new(0, 7) }], [eth, v6, new FlowItemTcp { Flags = 2 }] },
            { NicField.IcmpType, [eth, v4, new FlowItemIcmp { Type = new(0, 1) }], [eth, v4, new FlowItemIcmp { Type = 8 }] },
            { NicField.IcmpCode, [eth, v6, new FlowItemIcmp6 { Code = new(0, 1) }], [eth, v6, new FlowItemIcmp6 { Code = 0 }] },
            { NicField.ArpOp, [eth, new FlowItemArp { Op = new(0, 1) }], [eth, new FlowItemArp { Op = 1 }] },
            { NicField.ArpSpa, [eth, new FlowItemArp { Spa = new(0, 1) }], [eth, new FlowItemArp { Spa = 1 }] },
            { NicField.ArpTha, [eth, new FlowItemArp { Tha = new(0, 1) }], [eth, new FlowItemArp { Tha = 1 }] },
            { NicField.NdTarget, [eth, v6, new FlowItemIcmp6(), new FlowItemNd { Target = new(0, 1) }], [eth, v6, new FlowItemIcmp6(), new FlowItemNd { Target = new(0, all) }] },
            { NicField.NdSll, [eth, v6, new FlowItemIcmp6(), new FlowItemNd { Sll = new(0, 1) }], [eth, v6, new FlowItemIcmp6(), new FlowItemNd { Sll = 1 }] },
        };
    }

    [Theory]
    [MemberData(nameof(FieldUses))]
    public void Each_field_honours_its_support(NicField field, FlowItem[] partial, FlowItem[] whole)
    {
        string name = NicFields.Get(field).Name;
        Assert.Null(WithField(field, MatchSupport.Masked, partial));
        Assert.Null(WithField(field, MatchSupport.Masked, whole));
        Assert.Equal(name, WithField(field, MatchSupport.Exact, partial)?.Subject);
        Assert.Null(WithField(field, MatchSupport.Exact, whole));
        Assert.Equal(name, WithField(field, MatchSupport.None, partial)?.Subject);
        Assert.Equal(name, WithField(field, MatchSupport.None, whole)?.Subject);
    }

    [Fact]
    public void Tag_presence_belongs_to_the_VLAN_item()
    {
        Assert.Null(WithField(NicField.HasVlan, MatchSupport.None, new FlowItemEth(), new FlowItemVlan()));
        Assert.Equal("has_vlan", WithField(NicField.HasVlan, MatchSupport.None, new FlowItemEth { HasVlan = false })?.Subject);
        Assert.Equal("has_vlan", WithField(NicField.HasVlan, MatchSupport.None, new FlowItemEth { HasVlan = true })?.Subject);
        Assert.Equal("has_more_vlan", WithField(NicField.HasMoreVlan, MatchSupport.None, new FlowItemVlan { HasMoreVlan = false })?.Subject);
    }

    [Fact]
    public void An_item_that_the_profile_lacks_is_named()
    {
        NicProfile ideal = NicProfile.Load("ideal");
        using var nic = new EmulatedNic(ideal with { Items = new HashSet<string> { "eth", "ipv4" } });
        Assert.Equal("tcp", nic.Validate(new FlowRule(new FlowAttr(1), s_tcp, [new FlowActionDrop()]))?.Subject);
        using var blind = new EmulatedNic(ideal with { VerifiesChecksums = false });
        Assert.Equal("integrity", blind.Validate(new FlowRule(new FlowAttr(1), [new FlowItemIntegrity { L4CsumOk = true }], [new FlowActionDrop()]))?.Subject);
        using var oneTag = new EmulatedNic(ideal with { VlanTags = 1 });
        Assert.Equal("vlan", oneTag.Validate(new FlowRule(new FlowAttr(1), [new FlowItemVlan(), new FlowItemVlan()], [new FlowActionDrop()]))?.Subject);
    }

    [Fact]
    public void Partial_writes_need_masked_support()
    {
        NicProfile ideal = NicProfile.Load("ideal");
        var actions = ideal.Actions.ToDictionary(static a => a.Key, static _ => MatchSupport.Exact);
        using var nic = new EmulatedNic(ideal with { Name = "whole", Actions = actions });
        Assert.Equal("profile whole: set_mac_src only writes the whole field", Check(new FlowActionSetMacSrc(new(1, 1)))?.Message);
        Assert.Null(Check(new FlowActionSetMacSrc(1)));
        Assert.NotNull(Check(new FlowActionSetIpv4Src(new(1, 1))));
        Assert.NotNull(Check(new FlowActionSetTpDst(new(1, 1))));
        Assert.NotNull(Check(new FlowActionSetTos(new(1, 1))));
        Assert.Null(Check(new FlowActionSetTos(new(0xb8, 0xfc))));

        FlowError? Check(FlowAction a) => nic.Validate(new FlowRule(new FlowAttr(1), s_tcp, [a, new FlowActionPort(1)]));
    }

    [Fact]
    public void Nonsense_is_refused()
    {
        FlowItemEth eth = new();
        FlowItemIpv4 ip = new();
        FlowAction port = new FlowActionPort(1);
        Assert.Equal("tcp", Validate("ideal", [eth, new FlowItemTcp()], port)?.Subject);
        Assert.Equal("eth", Validate("ideal", [ip, eth], port)?.Subject);
        Assert.Equal("ipv6", Validate("ideal", [eth, ip, new FlowItemIpv6()], port)?.Subject);
        Assert.Equal("icmp6", Validate("ideal", [eth, ip, new FlowItemIcmp6()], port)?.Subject);
        Assert.Equal("icmp6_nd", Validate("ideal", [eth, new FlowItemIpv6(), new FlowItemNd()], port)?.Subject);
        Assert.Equal("vlan", Validate("ideal", [eth, new FlowItemVlan(), new FlowItemVlan(), new FlowItemVlan()], port)?.Subject);
        Assert.Equal("ipv4", Validate("ideal", [eth, new FlowItemMpls(), ip], port)?.Subject);
        Assert.Equal(FlowErrorType.ItemSpec, Validate("ideal", [new FlowItemEth { HasVlan = false }, new FlowItemVlan()], port)?.Type);
        Assert.Equal("tcp_flags", Validate("ideal", [eth, ip, new FlowItemTcp { Flags = 0x1000 }], port)?.Subject);
        Assert.Equal(FlowErrorType.Action, Validate("ideal", s_tcp)?.Type);
        Assert.Equal("drop", Validate("ideal", s_tcp, port, new FlowActionDrop())?.Subject);
        Assert.Equal("set_ipv4_src", Validate("ideal", [eth], new FlowActionSetIpv4Src(1), port)?.Subject);
        Assert.Equal("set_tp_src", Validate("ideal", [eth, ip], new FlowActionSetTpSrc(1), port)?.Subject);
        Assert.Equal("of_pop_vlan", Validate("ideal", [eth], new FlowActionOfPopVlan(), port)?.Subject);
        Assert.Equal("of_pop_vlan", Validate("ideal", [eth, new FlowItemVlan()], new FlowActionOfPopVlan(), new FlowActionOfPopVlan(), port)?.Subject);
        Assert.Equal("of_set_vlan_tci", Validate("ideal", [eth], new FlowActionOfSetVlanTci(1), port)?.Subject);
        Assert.Equal("of_pop_mpls", Validate("ideal", [eth], new FlowActionOfPopMpls(0x800), port)?.Subject);
        Assert.Equal("of_push_vlan", Validate("ideal", [eth], new FlowActionOfPushVlan(0x9100), port)?.Subject);
        Assert.Equal("of_push_mpls", Validate("ideal", [eth], new FlowActionOfPushMpls(0x800, 1), port)?.Subject);
        Assert.Equal("set_ttl", Validate("ideal", s_tcp, new FlowActionOfPushMpls(0x8847, 1), new FlowActionSetTtl(1), port)?.Subject);
        Assert.Equal("dec_ttl", Validate("ideal", s_tcp, new FlowActionSetTtl(1), new FlowActionDecTtl(), port)?.Subject);
        Assert.Equal("sample", Validate("ideal", s_tcp, new FlowActionSample([new FlowActionSample([port])]))?.Subject);
        Assert.Equal("of_push_vlan", Validate("ideal", s_tcp, [.. Enumerable.Repeat(new FlowActionOfPushVlan(0x8100), 9), port])?.Subject);
        Assert.Equal(FlowErrorType.ActionNum, Validate("tiny", s_tcp, [.. Enumerable.Repeat(port, 17)])?.Type);
        Assert.Null(Validate("tiny", s_tcp, [.. Enumerable.Repeat(port, 16)]));
    }

    [Fact]
    public void A_table_of_size_zero_takes_nothing()
    {
        using var nic = new EmulatedNic(NicProfile.Load("ideal") with { WildcardRows = 0, ExactMatchEntries = 0 });
        Assert.Equal(FlowErrorType.AttrGroup, nic.Validate(new FlowRule(new FlowAttr(1), s_tcp, [new FlowActionDrop()]))?.Type);
        Assert.Equal(FlowErrorType.AttrGroup, nic.Validate(new FlowRule(new FlowAttr(1, FlowTable.ExactMatch), s_tcp, [new FlowActionDrop()]))?.Type);
    }
}
