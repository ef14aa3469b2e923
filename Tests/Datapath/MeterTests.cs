using Xunit;

namespace Mergeflow.Tests;

/// <summary>Meters: what is refused, what ends with a meter, what a bucket gives. Whole runs are among the recorded cases (<c>meters</c>).</summary>
public sealed class MeterTests
{
    [Theory]
    [InlineData("add meter=1 kbps bands=type=drop rate=9", "OFPMMFC_METER_EXISTS")]
    [InlineData("mod meter=2 kbps bands=type=drop rate=9", "OFPMMFC_UNKNOWN_METER")]
    [InlineData("add meter=all kbps bands=type=drop rate=9", "OFPMMFC_INVALID_METER")]
    [InlineData("add meter=2 kbps pktps bands=type=drop rate=9", "OFPMMFC_BAD_FLAGS")]
    [InlineData("add meter=2 stats bands=type=drop rate=9", "OFPMMFC_BAD_FLAGS")]
    [InlineData("add meter=2 kbps bands=type=drop rate=1 type=drop rate=2 type=drop rate=3 type=drop rate=4 type=drop rate=5 type=drop rate=6 type=drop rate=7 type=drop rate=8 type=drop rate=9", "OFPMMFC_OUT_OF_BANDS")]
    public void Is_refused(string line, string error)
    {
        var pipeline = new OfPipeline(new PipelineOptions());
        Apply(pipeline, "add meter=1 kbps bands=type=drop rate=9");
        Assert.Equal(error, Assert.Throws<FlowModException>(() => Apply(pipeline, line)).Error);
        Assert.Equal([1u], pipeline.Meters.Select(static m => m.Mod.MeterId));
        Assert.Equal(9u, pipeline.Meters[0].Mod.Bands[0].Rate);
    }

    [Fact]
    public void A_rule_needs_its_meter()
    {
        var pipeline = new OfPipeline(new PipelineOptions());
        var e = Assert.Throws<FlowModException>(() => pipeline.ApplyAll(Flows("actions=drop\ntable=1,actions=meter:1,output:2")));
        Assert.Equal(("OFPMMFC_INVALID_METER", 1), (e.Error, e.Index));
        Assert.Equal(0, pipeline.RuleCount);
        Apply(pipeline, "add meter=1 kbps bands=type=drop rate=9");
        Assert.True(pipeline.ApplyAll(Flows("actions=drop\ntable=1,actions=meter:1,output:2")));

        // A modification that selects no rule is not looked at (modify_flows_start__).
        Assert.False(pipeline.ApplyAll(Flows("modify table=2,actions=meter:7,output:2")));
        Assert.Equal("OFPMMFC_INVALID_METER", Assert.Throws<FlowModException>(() => pipeline.ApplyAll(Flows("modify table=1,actions=meter:7,output:2"))).Error);
    }

    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void Rules_end_with_their_meter(OffloadMode mode)
    {
        using var s = new OffloadedSwitch(mode, "table=1,priority=1,actions=output:3");
        s.Simulator.ApplyMeterMod(Meter("add meter=5 pktps bands=type=drop rate=1000"));
        s.Change("actions=meter:5,output:2,resubmit(,1)\ntable=1,priority=2,udp,actions=meter:5,output:2");
        Assert.Equal(2, s.Simulator.Pipeline.RulesOfMeter(5));
        Assert.Equal([2u, 2u], s.Send(1, Frame));
        Assert.Equal([2u, 2u], s.Send(1, Frame));
        s.Simulator.ApplyMeterMod(Meter("del meter=5"));
        Assert.Empty(s.Send(1, Frame));
        Assert.Equal(1, s.Simulator.Pipeline.RuleCount);

        // The slot is free again, and what it counted has gone.
        s.Simulator.ApplyMeterMod(Meter("add meter=6 pktps bands=type=drop rate=1"));
        OfMeterState next = Assert.Single(s.Simulator.Pipeline.Meters);
        Assert.Equal(0u, next.Slot);
        Assert.Equal(0UL, s.Simulator.Datapath.Meters.CountersOf(next.Slot).In.Packets);
    }

    [Theory]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void No_merged_rule_takes_packets_past_a_meter(OffloadMode mode)
    {
        using var s = new OffloadedSwitch(mode, "");
        s.Simulator.ApplyMeterMod(Meter("add meter=1 pktps burst bands=type=drop rate=1 burst_size=3"));
        s.Change("priority=2,udp,actions=meter:1,ct(table=1)\ntable=1,actions=output:2\npriority=1,actions=output:3");
        int passed = 0;
        for (int i = 0; i < 20; i++) passed += s.Send(1, Frame).Length;
        Assert.Equal(3, passed);
        Assert.Equal(0UL, s.Hits);
    }

    [Fact]
    public void A_bucket_is_not_filled_by_more_than_whole_milliseconds_of_its_size()
    {
        // 1 packet at 3 packets/s is 333.3 ms. Open vSwitch gives at most 333 ms at once, 999 thousandths: two gaps are needed, however long.
        using var table = new MeterTable();
        table.Set(0, Meter("add meter=1 pktps burst bands=type=drop rate=3 burst_size=1"));
        Assert.True(table.Admit(0, 60, 0));
        Assert.False(table.Admit(0, 60, 1_000_000));
        Assert.True(table.Admit(0, 60, 1_000_001));
        Assert.Equal(2UL, table.CountersOf(0).In.Packets - table.CountersOf(0).Bands[0].Packets);
    }

    /// <summary>However long nothing came, and whatever was in the bucket before.</summary>
    [Fact]
    public void A_bucket_holds_no_more_than_its_burst()
    {
        using var table = new MeterTable();
        table.Set(0, Meter("add meter=1 pktps burst bands=type=drop rate=10 burst_size=5"));
        for (int i = 0; i < 4; i++) Assert.True(table.Admit(0, 60, 1 + (i * 1_000_000L)));
        Assert.Equal(4, Enumerable.Range(0, 20).Count(_ => table.Admit(0, 60, 3_000_001)));
    }

    [Fact]
    public void The_band_with_the_highest_rate_counts_what_it_and_others_refuse()
    {
        using var table = new MeterTable();
        table.Set(700, Meter("add meter=1 kbps burst bands=type=drop rate=1 burst_size=1,type=drop rate=7 burst_size=1,type=drop rate=5 burst_size=2"));
        Assert.True(table.Admit(700, 125, 0));
        Assert.False(table.Admit(700, 1, 0));
        (BookTotals taken, BookTotals[] bands) = table.CountersOf(700);
        Assert.Equal(new BookTotals(2, 126), taken);
        Assert.Equal([default, new BookTotals(1, 1), default], bands);

        // Each band drains its own bucket, also for a packet that another one refuses: 2,000 - 1,008 - 992 bits are left in the third.
        Assert.False(table.Admit(700, 124, 0));
        Assert.False(table.Admit(700, 1, 0));
        Assert.Equal([default, new BookTotals(3, 126), default], table.CountersOf(700).Bands);
    }

    [Fact]
    public void What_does_not_exist_passes()
    {
        using var table = new MeterTable();
        Assert.True(table.Admit(3, 60, 0));
        table.Set(3, Meter("add meter=1 pktps burst bands=type=drop rate=1 burst_size=1"));
        Assert.True(table.Admit(3, 60, 0));
        Assert.False(table.Admit(3, 60, 0));
        table.Clear(3);
        Assert.True(table.Admit(3, 60, 0));
        Assert.True(table.Admit(OfPipeline.MaxMeters - 1, 60, 0));
    }

    [Fact]
    public void A_metered_packet_costs_no_managed_memory()
    {
        using var table = new MeterTable();
        table.Set(1, Meter("add meter=1 pktps burst bands=type=drop rate=1000 burst_size=5 type=drop rate=2000 burst_size=7"));
        table.Admit(1, 60, 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int passed = 0;
        for (int i = 0; i < 1_000_000; i++) passed += table.Admit(1, 60, i / 1000) ? 1 : 0;
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.InRange(passed, 1000, 1010);
    }

    [Theory]
    [InlineData("add meter=1 pktps bands=type=drop rate=1\nadd meter=1 pktps bands=type=drop rate=2", 1, "OFPMMFC_METER_EXISTS")]
    [InlineData("del meter=7\nmod meter=7 pktps bands=type=drop rate=2", 1, "OFPMMFC_UNKNOWN_METER")]
    [InlineData("add meter=1 pktps bands=type=drop rate=1\nadd meter=2 pktps bands=type=drop rate=1\nmod meter=3 pktps bands=type=drop rate=5", 2, "OFPMMFC_UNKNOWN_METER")]
    [InlineData("del meter=7\nadd meter=7 pktps bands=type=drop rate=2\ndel meter=all\nadd meter=8 kbps bands=type=drop rate=2", -1, null)]
    public void Several_modifications_hold_together_or_not_at_all(string lines, int at, string? error)
    {
        var pipeline = new OfPipeline(new PipelineOptions { Ports = [new("p1", 1)] });
        Apply(pipeline, "add meter=7 pktps bands=type=drop rate=9");
        pipeline.ApplyAll(Flows("priority=5,actions=meter:7,output:1"));
        if (error is null)
        {
            pipeline.ApplyMeters(FlowTextParser.ParseMeters(lines));
            Assert.Equal([8u], pipeline.Meters.Select(static m => m.Mod.MeterId));
            Assert.Empty(pipeline.Rules);
            return;
        }

        FlowModException refused = Assert.Throws<FlowModException>(() => pipeline.ApplyMeters(FlowTextParser.ParseMeters(lines)));
        Assert.Equal((at, error), (refused.Index, refused.Error));
        Assert.Equal([(7u, 9u)], pipeline.Meters.Select(static m => (m.Mod.MeterId, m.Mod.Bands[0].Rate)));
        Assert.Single(pipeline.Rules);
    }

    private static byte[] Frame => NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 17, NicFrame.UdpDatagram(1000, 53, 4));

    private static MeterMod Meter(string line) => Assert.Single(FlowTextParser.ParseMeters(line));

    private static IReadOnlyList<FlowMod> Flows(string text) => new FlowTextParser().ParseFlows(text);

    private static void Apply(OfPipeline pipeline, string line) => pipeline.ApplyMeter(Meter(line));
}
