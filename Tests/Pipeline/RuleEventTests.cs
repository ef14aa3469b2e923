using Xunit;

namespace Mergeflow.Tests;

/// <summary>What becomes of rules is told, with the reason, in the order in which it happens.</summary>
public sealed class RuleEventTests
{
    private readonly OfPipeline _pipeline = new(new PipelineOptions { Ports = [new("p1", 1), new("p2", 2)] });
    private readonly FlowTextParser _parser = new();
    private readonly List<RuleEvent> _told = [];

    public RuleEventTests() => _pipeline.Watch(_told.AddRange);

    [Fact]
    public void Rules_come_change_and_go()
    {
        Apply("cookie=1,tcp,actions=output:1", 0);
        Apply("cookie=2,tcp,actions=output:2", 0);
        Apply("modify udp,actions=output:1", 0);
        Apply("delete ip", 0);
        Assert.Equal([(null, 1UL), (1UL, 2UL), (2UL, null)], _told.Select(static e => (e.Old?.Cookie, e.New?.Cookie)));
        Assert.Equal(RuleEnd.Deleted, _told[^1].End);
    }

    [Fact]
    public void A_rule_that_is_not_used_or_too_old_is_gone_for_that_reason()
    {
        Apply("cookie=1,idle_timeout=2,tcp,actions=output:1\ncookie=2,hard_timeout=3,udp,actions=output:1\ncookie=3,idle_timeout=3,hard_timeout=3,icmp,actions=output:1", 0);
        _told.Clear();
        _pipeline.Expire(10_000);
        Assert.Equal([(1UL, RuleEnd.IdleTimeout), (2UL, RuleEnd.HardTimeout), (3UL, RuleEnd.HardTimeout)], _told.Select(static e => (e.Old!.Cookie, e.End)).Order());
    }

    [Fact]
    public void A_rule_goes_with_its_group_or_meter()
    {
        _pipeline.ApplyGroup(_parser.ParseGroup("group_id=1,type=all,bucket=output:1"));
        _pipeline.ApplyMeter(FlowTextParser.ParseMeters("meter=1,pktps,bands=type=drop,rate=9")[0], 0);
        Apply("cookie=1,tcp,actions=group:1\ncookie=2,udp,actions=meter:1,output:1", 0);
        _told.Clear();
        _pipeline.ApplyGroup(_parser.ParseGroup("group_id=1,type=all") with { Command = GroupModCommand.Delete });
        _pipeline.ApplyMeter(new MeterMod(MeterModCommand.Delete, 1, MeterFlags.None, EquatableList<MeterBand>.Empty), 0);
        Assert.Equal([(1UL, RuleEnd.GroupDeleted), (2UL, RuleEnd.MeterDeleted)], _told.Select(static e => (e.Old!.Cookie, e.End)));
    }

    [Fact]
    public void Nothing_is_told_of_what_was_undone()
    {
        Apply("cookie=1,priority=5,tcp,actions=output:1", 0);
        _told.Clear();
        Assert.Throws<FlowModException>(() => Apply("priority=5,udp,actions=output:1\ncheck_overlap,priority=5,tcp,tp_dst=80,actions=output:1", 0));
        Apply("cookie=9,icmp,actions=output:1", 0);
        Assert.Equal([9UL], _told.Select(static e => e.New!.Cookie));
    }

    private void Apply(string flows, long nowMs) => _pipeline.ApplyAll(_parser.ParseFlows(flows), nowMs);
}
