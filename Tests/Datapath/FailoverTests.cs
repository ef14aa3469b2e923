using Xunit;

namespace Mergeflow.Tests;

/// <summary>A link that goes down or comes back reaches the groups that watch it, whatever has been cached or offloaded.</summary>
public sealed class FailoverTests
{
    private const string Groups = """
        group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3
        group_id=2,type=ff,bucket=watch_group:1,group:1,bucket=watch_port:1,in_port
        group_id=3,type=select,selection_method=dp_hash,bucket=watch_port:2,output:2
        group_id=4,type=select,selection_method=dp_hash,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3
        """;

    public static TheoryData<OffloadMode> Modes => [OffloadMode.None, OffloadMode.Soft, OffloadMode.Nic];

    [Theory]
    [MemberData(nameof(Modes))]
    public void The_next_packet_takes_the_live_bucket(OffloadMode mode)
    {
        using OffloadedSwitch s = New(mode, "actions=group:1");
        Assert.Equal([2u, 2u, 2u], Thrice(s));
        s.Simulator.SetPort(2, exists: false);
        Assert.Equal([3u, 3u, 3u], Thrice(s));
        s.Simulator.SetPort(3, exists: false);
        Assert.Empty(Thrice(s));
        s.Simulator.SetPort(2, exists: true);
        Assert.Equal([2u, 2u, 2u], Thrice(s));
        if (mode != OffloadMode.None) Assert.True(s.Hits > 0, "no merged rule was used");
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_group_that_watches_another_one_follows_it(OffloadMode mode)
    {
        using OffloadedSwitch s = New(mode, "actions=group:2");
        Assert.Equal([2u, 2u, 2u], Thrice(s));
        s.Simulator.SetPort(2, exists: false);
        Assert.Equal([3u, 3u, 3u], Thrice(s));
        s.Simulator.SetPort(3, exists: false);
        Assert.Equal([1u, 1u, 1u], Thrice(s));
        s.Simulator.SetPort(3, exists: true);
        Assert.Equal([3u, 3u, 3u], Thrice(s));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_select_group_does_not_take_a_dead_bucket(OffloadMode mode)
    {
        using OffloadedSwitch s = New(mode, "actions=output:3,group:3");
        Assert.Equal([3u, 2u, 3u, 2u, 3u, 2u], Thrice(s));
        s.Simulator.SetPort(2, exists: false);
        Assert.Equal([3u, 3u, 3u], Thrice(s));
    }

    /// <summary>Who had the dead bucket gets a live one.</summary>
    [Theory]
    [MemberData(nameof(Modes))]
    public void A_live_bucket_takes_the_flows_of_a_dead_one(OffloadMode mode)
    {
        using OffloadedSwitch s = New(mode, "actions=group:4");
        Assert.Equal([2u, 3u], Flows().Distinct().Order());
        s.Simulator.SetPort(2, exists: false);
        Assert.Equal(Enumerable.Repeat(3u, 64), Flows());

        uint[] Flows() => [.. Enumerable.Range(1, 64).SelectMany(i => s.Send(1, NicFrame.UdpIpv4((ushort)i)))];
    }

    [Fact]
    public void A_port_event_that_changes_nothing_costs_no_revalidation()
    {
        using OffloadedSwitch s = New(OffloadMode.None, "actions=group:1");
        ulong version = s.Simulator.Pipeline.TablesVersion;
        s.Simulator.SetPort(2, exists: true);
        Assert.Equal(version, s.Simulator.Pipeline.TablesVersion);
        s.Simulator.SetPort(2, exists: false);
        Assert.NotEqual(version, s.Simulator.Pipeline.TablesVersion);
    }

    private static OffloadedSwitch New(OffloadMode mode, string flows)
    {
        var s = new OffloadedSwitch(mode, "");
        foreach (GroupMod group in new FlowTextParser().ParseGroups(Groups)) s.Simulator.ApplyGroupMod(group);
        s.Change(flows);
        return s;
    }

    private static uint[] Thrice(OffloadedSwitch s)
    {
        byte[] frame = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 17, NicFrame.UdpDatagram(1000, 53, 4));
        return [.. s.Send(1, frame), .. s.Send(1, frame), .. s.Send(1, frame)];
    }
}
