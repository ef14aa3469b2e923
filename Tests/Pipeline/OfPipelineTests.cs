using Xunit;
using static Mergeflow.Tests.PipelineBed;

namespace Mergeflow.Tests;

/// <summary>Flow and group modifications.</summary>
public sealed class OfPipelineTests
{
    [Fact]
    public void Adding_the_same_match_and_priority_replaces_the_rule()
    {
        using PipelineBed bed = new("cookie=1,priority=5,ip,actions=output:2");
        OfRule old = bed.Pipeline.Rules.Single();
        old.Stats.Add(9, 0, 0);
        bed.Mod("add cookie=2,priority=5,ip,actions=output:3");
        OfRule rule = Assert.Single(bed.Pipeline.Rules);
        Assert.Equal((2UL, 9UL), (rule.Cookie, rule.Packets));
        Assert.Equal("3", bed.Actions(Tcp()));
        bed.Mod("add reset_counts,priority=5,ip,actions=output:3");
        Assert.Equal((0UL, 0UL), (bed.Pipeline.Rules.Single().Cookie, bed.Pipeline.Rules.Single().Packets));
    }

    /// <summary>The rule that goes with its group is of the latest batch: what comes next must not be set off against it.</summary>
    [Fact]
    public void A_rule_is_seen_that_comes_after_a_group_has_taken_its_rules_along()
    {
        using PipelineBed bed = new("priority=5,ip,actions=group:1", "group_id=1,type=indirect,bucket=output:2");
        bed.Pipeline.ApplyGroup(new GroupMod(GroupModCommand.Delete, 1, GroupType.All, null, 0, EquatableList<Field>.Empty, EquatableList<GroupBucket>.Empty));
        Assert.Equal("drop", bed.Actions(Tcp()));
        Assert.True(bed.Mod("add priority=5,ip,actions=output:3"));
        Assert.Equal("3", bed.Actions(Tcp()));
    }

    [Fact]
    public void Modify_keeps_rule_cookie_and_counters_and_adds_nothing()
    {
        using PipelineBed bed = new("cookie=1,priority=5,tcp,actions=output:2\ncookie=2,priority=4,udp,actions=output:2");
        OfRule rule = bed.Pipeline.Rules.First();
        rule.Stats.Add(9, 0, 0);
        bed.Mod("modify cookie=8,ip,actions=output:3");
        Assert.Equal("3", bed.Actions(Tcp()));
        Assert.Equal("3", bed.Actions(Udp()));
        Assert.Equal(9UL, rule.Packets);
        bed.Mod("modify_strict priority=4,udp,actions=output:4", "modify arp,actions=output:5");
        Assert.Equal("4", bed.Actions(Udp()));
        Assert.Equal([1UL, 2UL], bed.Pipeline.Rules.Select(r => r.Cookie));
        bed.Mod("modify reset_counts,tcp,actions=output:3");
        Assert.Equal(0UL, bed.Pipeline.Rules.First().Packets);
    }

    [Fact]
    public void Modify_without_a_table_is_about_table_0()
    {
        using PipelineBed bed = new("priority=5,tcp,actions=output:2,goto_table:1\ntable=1,priority=5,tcp,actions=output:4");
        bed.Mod("modify priority=5,tcp,actions=output:3,goto_table:1");
        Assert.Equal("3,4", bed.Actions(Tcp()));
        bed.Mod("modify_strict priority=5,tcp,actions=output:5,goto_table:1");
        Assert.Equal("5,4", bed.Actions(Tcp()));
    }

    [Theory]
    [InlineData("actions=group:7")]
    [InlineData("actions=clone(group:7)")]
    [InlineData("actions=write_actions(group:7)")]
    public void A_rule_needs_the_groups_it_names(string rule)
    {
        using PipelineBed bed = new("arp,actions=group:1", "group_id=1,type=all,bucket=output:2");
        Assert.Equal("OFPBAC_BAD_OUT_GROUP", Assert.Throws<FlowModException>(() => bed.Mod(rule)).Error);
        Assert.Equal(1, bed.Pipeline.RuleCount);
    }

    [Theory]
    [InlineData("arp,actions=write_actions(pop_vlan,output:2)", true)]
    [InlineData("arp,actions=write_actions(dec_ttl,output:2)", true)]
    [InlineData("arp,actions=write_actions(mod_tp_src:80,output:2)", true)]
    [InlineData("arp,actions=write_actions(note:01,output:2)", false)]
    [InlineData("arp,actions=write_actions(controller(reason=no_match))", false)]
    [InlineData("arp,actions=write_actions(set_field:9->tcp_dst)", false)]
    public void What_may_stand_in_an_action_set(string rule, bool isAccepted)
    {
        using PipelineBed bed = new("");
        Exception? e = Record.Exception(() => bed.Mod(rule));
        Assert.Equal(isAccepted, e is null);
    }

    [Theory]
    [InlineData("delete", 0)]
    [InlineData("delete table=1", 3)]
    [InlineData("delete tcp", 3)]
    [InlineData("delete ip", 1)]
    [InlineData("delete cookie=3/-1", 3)]
    [InlineData("delete out_port=3", 3)]
    [InlineData("delete_strict priority=5,ip", 4)]
    [InlineData("delete_strict priority=5,tcp", 3)]
    [InlineData("delete nw_src=10.0.0.0/8,ip", 3)]
    public void Deleting(string line, int left)
    {
        using PipelineBed bed = new("cookie=1,priority=5,tcp,actions=output:2\ncookie=2,priority=5,udp,actions=output:3\ncookie=3,table=1,ip,nw_src=10.1.0.0/16,actions=output:4\ncookie=4,arp,actions=output:4");
        bed.Mod(line);
        Assert.Equal(left, bed.Pipeline.RuleCount);
    }

    [Fact]
    public void A_refused_modification_leaves_everything_as_it_was()
    {
        using PipelineBed bed = new("priority=5,ip,actions=output:2");
        ulong version = bed.Pipeline.TablesVersion;
        FlowMod bad = new() { Table = 3, Actions = new([new OfGotoTable(2)]) };
        FlowModException e = Assert.Throws<FlowModException>(() => bed.Pipeline.ApplyAll([bed.Parse("add priority=6,ip,actions=output:3"), bad]));
        Assert.Equal(("OFPBIC_BAD_TABLE_ID", 1), (e.Error, e.Index));
        Assert.Equal((1, version), (bed.Pipeline.RuleCount, bed.Pipeline.TablesVersion));
    }

    [Fact]
    public void An_overlap_is_refused_and_the_batch_undone()
    {
        using PipelineBed bed = new("cookie=1,priority=5,tcp,actions=output:2");
        FlowModException e = Assert.Throws<FlowModException>(() => bed.Mod("modify tcp,actions=output:3", "delete udp", "add check_overlap,priority=5,ip,nw_src=10.0.0.1,actions=output:4"));
        Assert.Equal(("OFPFMFC_OVERLAP", 2), (e.Error, e.Index));
        Assert.Equal("2", bed.Actions(Tcp()));
        bed.Mod("add check_overlap,priority=5,udp,actions=output:4");
        Assert.Equal("4", bed.Actions(Udp()));
    }

    public static TheoryData<string, OfAction> Misfits => new()
    {
        { "OFPBAC_MATCH_INCONSISTENT", new OfDecTtl() },
        { "OFPBAC_MATCH_INCONSISTENT", new OfPopVlan() },
        { "OFPBAC_MATCH_INCONSISTENT", new OfCt(false, false, 1, 0, null, null, EquatableList<OfAction>.Empty, null) },
        { "OFPBAC_MATCH_INCONSISTENT", new OfSetField(Fields.Of(FieldId.Ipv4Src), 1, uint.MaxValue, OfSetSpelling.SetField) },
        { "OFPBAC_MATCH_INCONSISTENT", new OfMove(Subfield.Whole(Fields.Of(FieldId.TcpSrc)), Subfield.Whole(Fields.Of(FieldId.TcpDst))) },
        { "OFPBAC_BAD_SET_ARGUMENT", new OfSetField(Fields.Of(FieldId.CtMark), 1, uint.MaxValue, OfSetSpelling.SetField) },
        { "OFPBAC_BAD_SET_ARGUMENT", new OfSetField(Fields.Of(FieldId.EthType), 1, 0xffff, OfSetSpelling.SetField) },
    };

    [Theory]
    [MemberData(nameof(Misfits))]
    public void Actions_must_fit_the_match(string error, OfAction action)
    {
        using PipelineBed bed = new("");
        FlowMod mod = new() { Actions = new([action]) };
        Assert.Equal(error, Assert.Throws<FlowModException>(() => bed.Pipeline.Apply(mod)).Error);
        Assert.Equal(0, bed.Pipeline.RuleCount);
    }

    [Fact]
    public void Timeouts_remove_rules()
    {
        using PipelineBed bed = new("");
        bed.Pipeline.Apply(bed.Parse("add idle_timeout=10,tcp,actions=output:2"), nowMs: 1000);
        bed.Pipeline.Apply(bed.Parse("add hard_timeout=20,udp,actions=output:2"), nowMs: 1000);
        Assert.Equal(0, bed.Pipeline.Expire(10_999));
        bed.Pipeline.Rules.First(r => r.IdleTimeoutSeconds != 0).Stats.Use(5000);
        Assert.Equal(0, bed.Pipeline.Expire(14_999));
        Assert.Equal(1, bed.Pipeline.Expire(15_000));
        Assert.Equal("drop", bed.Actions(Tcp()));
        Assert.Equal(1, bed.Pipeline.Expire(21_000));
        Assert.Equal(0, bed.Pipeline.RuleCount);
    }

    [Theory]
    [InlineData("add cookie=1,priority=9,tcp,actions=output:2")]
    [InlineData("modify_strict priority=9,tcp,actions=output:2")]
    [InlineData("delete_strict priority=8,tcp")]
    [InlineData("add table=7,priority=1,ip,actions=drop", "delete_strict table=7,priority=1,ip")]
    [InlineData("add priority=5,udp,nw_dst=10.0.0.1,actions=drop", "add priority=6,icmp,actions=drop", "delete udp,nw_dst=10.0.0.1", "delete icmp")]
    public void Modifications_that_leave_the_tables_as_they_were_change_nothing(params string[] lines)
    {
        using PipelineBed bed = new("cookie=1,priority=9,tcp,actions=output:2\ncookie=2,priority=1,actions=output:3");
        ulong version = bed.Pipeline.TablesVersion;
        OfRule[] rules = [.. bed.Pipeline.Rules];
        rules[0].Stats.Add(7, 0, 0);
        Assert.False(bed.Mod(lines));
        Assert.Equal(version, bed.Pipeline.TablesVersion);
        Assert.Equal(rules, bed.Pipeline.Rules);
        Assert.Equal(7UL, rules[0].Packets);
        Assert.Equal("2", bed.Actions(PipelineBed.Tcp()));
    }

    [Theory]
    [InlineData("add cookie=2,priority=9,tcp,actions=output:2")]
    [InlineData("add cookie=1,priority=9,tcp,actions=output:4")]
    [InlineData("modify priority=9,tcp,actions=output:4")]
    [InlineData("delete tcp", "add cookie=1,priority=9,tcp,actions=output:2")]
    [InlineData("add priority=5,udp,actions=drop")]
    public void Other_modifications_change_the_tables(params string[] lines)
    {
        using PipelineBed bed = new("cookie=1,priority=9,tcp,actions=output:2\ncookie=2,priority=1,actions=output:3");
        ulong version = bed.Pipeline.TablesVersion;
        Assert.True(bed.Mod(lines));
        Assert.NotEqual(version, bed.Pipeline.TablesVersion);
    }

    [Fact]
    public void Every_change_moves_the_version()
    {
        using PipelineBed bed = new("");
        ulong v0 = bed.Pipeline.TablesVersion;
        bed.Mod("add actions=output:2");
        ulong v1 = bed.Pipeline.TablesVersion;
        bed.Pipeline.SetPortLive(2, false);
        ulong v2 = bed.Pipeline.TablesVersion;
        bed.Pipeline.SetPortLive(2, false);
        Assert.Equal(v2, bed.Pipeline.TablesVersion);
        Assert.True(bed.Pipeline.RemovePort(2));
        Assert.True(v0 < v1 && v1 < v2 && v2 < bed.Pipeline.TablesVersion);
        Assert.Equal("drop", bed.Actions(Tcp()));
    }

    [Fact]
    public void Deleting_a_group_deletes_the_rules_that_use_it()
    {
        using PipelineBed bed = new("tcp,actions=clone(group:1)\nudp,actions=output:2", "group_id=1,type=all,bucket=output:3");
        bed.Pipeline.ApplyGroup(new GroupMod(GroupModCommand.Delete, 1, GroupType.All, null, 0, EquatableList<Field>.Empty, EquatableList<GroupBucket>.Empty));
        Assert.Empty(bed.Pipeline.Groups);
        Assert.Equal("udp", Assert.Single(bed.Pipeline.Rules).Match.Value.Key.NwProto == IpProto.Udp ? "udp" : "other");
    }

    [Fact]
    public void A_fast_failover_group_follows_the_link()
    {
        using PipelineBed bed = new("actions=group:1", "group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3");
        Assert.Equal("2", bed.Actions(Tcp()));
        bed.Pipeline.SetPortLive(2, false);
        Assert.Equal("3", bed.Actions(Tcp()));
        bed.Pipeline.SetPortLive(3, false);
        Assert.Equal("drop", bed.Actions(Tcp()));
    }
}
