using Xunit;

namespace Mergeflow.Tests;

/// <summary>Ids of merged rules beyond what 32 bits hold: a switch that installs 10,000 rules a second gets there in 2.5 days.</summary>
public sealed class RuleIdTests : IOutputSink
{
    private const string Flows = """
        table=0,ip,actions=ct(table=1)
        table=1,ct_state=+new,in_port=1,ip,actions=ct(commit),output:2
        table=1,ct_state=+est,in_port=1,ip,actions=output:2
        table=1,ct_state=+est,in_port=2,ip,actions=output:1
        """;

    public static TheoryData<OffloadMode, long> Starts()
    {
        var data = new TheoryData<OffloadMode, long>();
        foreach (OffloadMode mode in new[] { OffloadMode.Soft, OffloadMode.Nic })
        {
            foreach (long first in new[] { int.MaxValue - 3L, uint.MaxValue - 3L, 1L << 40 }) data.Add(mode, first);
        }

        return data;
    }

    /// <summary>Rules before the 2^31st (2^32nd) live on while later ones come, are hit, and go; the books agree.</summary>
    [Theory]
    [MemberData(nameof(Starts))]
    public void Rules_on_both_sides_of_the_border_live_and_go(OffloadMode mode, long first)
    {
        using var s = new Simulator(
            new SimulatorOptions
            {
                Ports = [("p1", 1), ("p2", 2)],
                Offload = mode,
                BatchSize = 1,
                PacketCapacity = 64,
                TcpSeqChk = mode != OffloadMode.Nic,
                OffloadThread = new OffloadOptions { FirstRuleId = first },
            },
            this);
        s.ApplyFlowMods(new FlowTextParser().ParseFlows(Flows));
        for (int flow = 0; flow < 16; flow++) Talk(s, flow);
        OffloadThread offload = s.Datapath.Offload!;
        long[] ids = [.. offload.Report.Rules().Select(static r => r.Id).Order()];
        Assert.Equal(32, ids.Length);
        Assert.Equal(first, ids[0]);
        Assert.Equal(first + 31, ids[^1]);
        ulong hits = s.Report().OffloadHits;
        for (int flow = 0; flow < 16; flow++) Talk(s, flow);
        Assert.True(s.Report().OffloadHits >= hits + 64, "rules are not hit");
        Assert.True(s.Audit(pushed: true).IsBalanced);
        s.FlushConntrack(null);
        s.Purge();
        s.AdvanceTo(s.NowMs + 10_000);
        Assert.Equal(0, offload.RuleCount);
        Talk(s, 1);
        Assert.True(offload.Report.Rules().All(r => r.Id >= first + 32), "an id is used again");
    }

    void IOutputSink.Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
    {
    }

    private static void Talk(Simulator s, int flow)
    {
        byte[] there = Frames.Udp("10.0.0.1", 1000 + flow, "10.0.0.2", 53);
        byte[] back = Frames.Udp("10.0.0.2", 53, "10.0.0.1", 1000 + flow);
        for (int i = 0; i < 4; i++)
        {
            s.Receive(1, there, 0);
            s.ProcessPending();
            s.Receive(2, back, 0);
            s.ProcessPending();
        }

        s.AdvanceTo(s.NowMs + 1);
    }
}
