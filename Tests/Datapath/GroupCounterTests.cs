using Xunit;

namespace Mergeflow.Tests;

/// <summary>Groups and their buckets count the packets that go through them, by megaflows and by merged rules.</summary>
public sealed class GroupCounterTests
{
    private const string Groups = """
        group_id=1,type=all,bucket=output:2,bucket=output:3
        group_id=2,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3
        group_id=3,type=indirect,bucket=group:1
        """;

    public static TheoryData<OffloadMode> Modes => [OffloadMode.None, OffloadMode.Soft, OffloadMode.Nic];

    [Theory]
    [MemberData(nameof(Modes))]
    public void Each_packet_counts_once_for_the_group_and_for_each_bucket_that_it_takes(OffloadMode mode)
    {
        using OffloadedSwitch s = New(mode, "actions=group:3,group:2");
        Send(s, 6);
        Assert.Equal("6: 6, 6", Counted(s, 1));
        Assert.Equal("6: 6, 0", Counted(s, 2));
        Assert.Equal("6: 6", Counted(s, 3));
        s.Simulator.SetPort(2, exists: false);
        Send(s, 4);
        Assert.Equal("10: 6, 4", Counted(s, 2));
        Assert.Equal("10: 10", Counted(s, 3));
    }

    [Fact]
    public void A_group_that_is_modified_begins_anew()
    {
        using OffloadedSwitch s = New(OffloadMode.Soft, "actions=group:1");
        Send(s, 3);
        Assert.Equal("3: 3, 3", Counted(s, 1));
        s.Simulator.ApplyGroupMod(new FlowTextParser().ParseGroup("group_id=1,type=all,bucket=output:2,bucket=output:3") with { Command = GroupModCommand.Modify });
        Assert.Equal("0: 0, 0", Counted(s, 1));
        Send(s, 2);
        Assert.Equal("2: 2, 2", Counted(s, 1));
        Assert.Null(s.Simulator.Datapath.Pipeline.GroupCounters(9));
    }

    private static OffloadedSwitch New(OffloadMode mode, string flow)
    {
        var s = new OffloadedSwitch(mode, "");
        foreach (GroupMod group in new FlowTextParser().ParseGroups(Groups)) s.Simulator.ApplyGroupMod(group);
        s.Change(flow);
        return s;
    }

    private static void Send(OffloadedSwitch s, int count)
    {
        for (int i = 0; i < count; i++) s.Send(1, Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53));
    }

    private static string Counted(OffloadedSwitch s, uint group)
    {
        s.Simulator.Settle();
        (OfRuleStats taken, IReadOnlyList<OfRuleStats> buckets) = s.Simulator.Datapath.Pipeline.GroupCounters(group)!.Value;
        return $"{taken.Packets}: {string.Join(", ", buckets.Select(static b => b.Packets))}";
    }
}
