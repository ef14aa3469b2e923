using Xunit;

namespace Mergeflow.Tests;

/// <summary>A clock that is set, in a datapath driven by pollers and control operations: nothing crashes, nothing lives for ever, nothing is lost.</summary>
public sealed class ClockJumpTests
{
    private const long Day = 86_400_000;
    private const string Flows = """
        table=0,priority=9,idle_timeout=20,udp,tp_dst=53,actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],ct(table=1)
        table=0,priority=8,udp,tp_src=53,actions=ct(table=1)
        table=0,priority=1,actions=drop
        table=1,ct_state=+new,ip,actions=ct(commit),output:2
        table=1,ct_state=+est,in_port=1,ip,actions=output:2
        table=1,ct_state=+est,in_port=2,ip,actions=output:1
        """;

    public static TheoryData<OffloadMode, long> Jumps()
    {
        var data = new TheoryData<OffloadMode, long>();
        foreach (OffloadMode mode in new[] { OffloadMode.None, OffloadMode.Soft })
        {
            foreach (long jump in new[] { -400 * Day, -Day, -11_000, -9_000, -1, 11_000, Day, 400 * Day, 100 * 365 * Day }) data.Add(mode, jump);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Jumps))]
    public void Life_goes_on(OffloadMode mode, long jumpMs)
    {
        using var bed = new Bed(mode, 500 * Day);
        bed.Talk(30);
        Assert.Equal(4, bed.Datapath.Conntrack.Count);
        bed.NowMs += jumpMs;

        // Packets still pass, and what they make still ends: within its time from now on.
        bed.Talk(30);
        Assert.Equal(2ul * 30 * 8, bed.Datapath.Pmd.Stats.Rx);
        Assert.Equal(bed.Datapath.Pmd.Stats.Rx, bed.Datapath.Pmd.Stats.Tx);
        bed.Datapath.Settle(bed.NowMs);
        Assert.Equal(bed.Datapath.Pmd.Stats.Rx, bed.Counted(0));
        Assert.Equal(bed.Datapath.Pmd.Stats.Rx, bed.Counted(1));
        if (mode != OffloadMode.None)
        {
            Assert.True(bed.Datapath.Offload!.Stats.Hits > 0, "nothing was offloaded");
            Assert.True(bed.Datapath.Audit(bed.NowMs, pushed: true).IsBalanced);
        }

        // 10 s that a small step back may cost, the longest timeout (an answered connection, 60 s), and the time until pollers look.
        for (int i = 0; i < 180; i++) bed.Poll(500);
        Assert.Equal(0, bed.Datapath.Conntrack.Count);
        Assert.Equal(0, bed.Datapath.Megaflows.Count);
        Assert.Equal(0, bed.Datapath.Recirc.Count);
        Assert.Equal(5, bed.Datapath.Pipeline.RuleCount);
        Assert.Equal(0, bed.Datapath.Offload?.RuleCount ?? 0);
        Assert.Equal(0, bed.Datapath.Pmd.Pool.InUse);
    }

    /// <summary>Every control operation, at times that make no sense.</summary>
    [Fact]
    public void Control_operations_take_any_time()
    {
        using var bed = new Bed(OffloadMode.Soft, 1000);
        foreach (long ms in new[] { 5L, long.MaxValue, long.MinValue, 0, -1, 1L << 50, 7 })
        {
            bed.NowMs = ms;
            bed.Talk(2);
            bed.Datapath.FlushConntrack(3, ms);
            bed.Datapath.Ports.SetLink(3, false, ms);
            bed.Datapath.Ports.SetLink(3, true, ms);
            bed.Datapath.PurgeMegaflows(ms);
            bed.Datapath.Expire(ms);
            bed.Datapath.Settle(ms);
        }

        Assert.Equal(bed.Datapath.Pmd.Stats.Rx, bed.Counted(0));
    }

    /// <summary>The simulator's own clock refuses to go back, and goes on.</summary>
    [Fact]
    public void The_simulator_refuses_to_go_back()
    {
        using var s = new OffloadedSwitch(OffloadMode.Soft, Flows);
        s.AdvanceTo(5000);
        Assert.Throws<ArgumentOutOfRangeException>(() => s.AdvanceTo(4999));
        Assert.Equal([2u], s.Send(1, Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53)));
        s.AdvanceTo(5001);
    }

    /// <summary>A leap over many turns of the wheel: who is due goes, who is not stays, and the leap is not walked tick by tick.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(300)]
    [InlineData(40_000)]
    public void A_connection_outlives_a_leap_that_is_shorter_than_its_timeout(int days)
    {
        using var b = new CtBench();
        b.Ct.SetTimeoutPolicy(new CtTimeoutPolicy(9, new Dictionary<CtTimeout, uint> { [CtTimeout.OtherFirst] = uint.MaxValue }));
        DpCt commit = CtBench.Commit();
        commit.TimeoutPolicy = 9;
        b.Send(Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2), commit);
        b.Send(Frames.Udp("10.0.0.1", 3, "10.0.0.2", 2), CtBench.Commit());
        Assert.Equal(2, b.Ct.Count);
        b.NowMs += days * Day;
        b.Ct.ExpireAll(b.NowMs);
        Assert.Equal(1, b.Ct.Count);
        b.NowMs += (uint.MaxValue * 1000L) + 1;
        b.Ct.ExpireAll(b.NowMs);
        Assert.Equal(0, b.Ct.Count);
    }

    private sealed class Bed : IDisposable
    {
        private readonly CaptureRxQueue _queue;
        private readonly PmdPoller _poller;

        public Bed(OffloadMode mode, long startMs)
        {
            NowMs = startMs;
            Datapath = new Engine.Runtime.Datapath(new DatapathOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], Offload = mode, MaxIdleMs = 1000, FrameCapacityBytes = 256, PacketCapacity = 64, EmcEntryCount = 1024 }, sink: null);
            Datapath.ApplyFlowMods(new FlowTextParser().ParseFlows(Flows), NowMs);
            List<ReadOnlyMemory<byte>> frames = [];
            List<uint> ports = [];
            for (int i = 0; i < 4; i++)
            {
                frames.Add(Frames.Udp("10.0.0.1", 1000 + i, "10.0.0.2", 53));
                frames.Add(Frames.Udp("10.0.0.2", 53, "10.0.0.1", 1000 + i));
                ports.AddRange([1, 2]);
            }

            _queue = new CaptureRxQueue(frames, ports, 0, verifyChecksums: true);
            _poller = new PmdPoller(Datapath.Pmd, [_queue], 1);
        }

        public Engine.Runtime.Datapath Datapath { get; }

        public long NowMs { get; set; }

        /// <summary>Everybody says a word, so many times, with 10 ms between.</summary>
        public void Talk(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                for (int packet = 0; packet < 8; packet++)
                {
                    _poller.Step(NowMs);
                    Datapath.Offload?.Step(NowMs);
                }

                Poll(NowMs is > -Day and < long.MaxValue - Day ? 10 : 0);
            }
        }

        public void Poll(int afterMs)
        {
            NowMs += afterMs;
            Datapath.Conntrack.Step(NowMs);
            Datapath.Revalidator.Step(NowMs);
            Datapath.Offload?.Step(NowMs);
            Datapath.Aging?.Step(NowMs);
        }

        public ulong Counted(int table) => Datapath.Pipeline.Rules.Where(r => r.Table == table).Aggregate(0ul, static (sum, r) => sum + r.Packets);

        public void Dispose()
        {
            _poller.Dispose();
            _queue.Dispose();
            Datapath.Dispose();
        }
    }
}
