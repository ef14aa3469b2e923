using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

public sealed class NicQueueTests
{
    private const long Us = 1_000;
    private const long Ms = 1_000_000;

    private static FlowRule Rule(ushort src, params FlowAction[] actions) => new(
        new FlowAttr(1, FlowTable.ExactMatch),
        [new FlowItemEth(), new FlowItemIpv4(), new FlowItemTcp { Src = src }],
        actions.Length > 0 ? actions : [new FlowActionCount(), new FlowActionPort(2)]);

    [Fact]
    public void A_rule_takes_effect_after_its_latency_and_not_before()
    {
        using var bench = new NicBench("slow-insert");
        Assert.True(bench.Nic.EnqueueCreate(Rule(1), 42, 0, out NicHandle handle));
        bench.NowNs = (2000 * Us) - 1;
        Assert.Empty(bench.Poll());
        Assert.Null(bench.Receive(NicFrame.TcpIpv4(1)));
        bench.NowNs = 2000 * Us;
        NicCompletion c = Assert.Single(bench.Poll());
        Assert.Equal(new NicCompletion(NicOperation.Create, handle, 42, new NicCounters(0, 0, -1), null), c);
        Assert.NotNull(bench.Receive(NicFrame.TcpIpv4(1)));
    }

    [Fact]
    public void Inserts_are_spaced_by_the_rate()
    {
        using var bench = new NicBench("slow-insert");
        for (ushort i = 0; i < 200; i++) Assert.True(bench.Nic.EnqueueCreate(Rule(i), i, 0, out _));
        int done = 0;
        // 5000 per second: one every 200 us, the first after 2 ms.
        for (long t = 0; t <= 60 * Ms; t += 100 * Us)
        {
            bench.NowNs = t;
            foreach (NicCompletion c in bench.Poll()) Assert.Equal((ulong)done++, c.UserData);
            long expected = t < 2 * Ms ? 0 : Math.Min(200, 1 + ((t - (2 * Ms)) / (200 * Us)));
            Assert.Equal(expected, done);
        }
    }

    [Fact]
    public void The_queue_has_a_depth()
    {
        using var bench = new NicBench("slow-insert");
        for (ushort i = 0; i < 256; i++) Assert.True(bench.Nic.EnqueueCreate(Rule(i), i, 0, out _));
        Assert.False(bench.Nic.EnqueueCreate(Rule(999), 0, 0, out NicHandle none));
        Assert.Equal(NicHandle.None, none);
        Assert.False(bench.Nic.EnqueueDestroy(new NicHandle(1), 0, 0));
        bench.NowNs = 2 * Ms;
        Assert.Single(bench.Poll());
        Assert.True(bench.Nic.EnqueueCreate(Rule(999), 0, bench.NowNs, out _));
    }

    [Fact]
    public void Requests_keep_their_order()
    {
        using var bench = new NicBench("slow-insert");
        Assert.True(bench.Nic.EnqueueCreate(Rule(1), 1, 0, out NicHandle handle));
        Assert.True(bench.Nic.EnqueueDestroy(handle, 2, 0));
        Assert.True(bench.Nic.EnqueueCreate(Rule(1), 3, 0, out NicHandle again));
        bench.NowNs = 100 * Ms;
        NicCompletion[] done = bench.Poll();
        Assert.Equal([1ul, 2ul, 3ul], done.Select(static c => c.UserData));
        Assert.All(done, static c => Assert.Null(c.Error));
        Assert.NotEqual(handle, again);
    }

    [Fact]
    public void Completions_come_in_slices()
    {
        using var bench = new NicBench();
        for (ushort i = 0; i < 10; i++) bench.Nic.EnqueueCreate(Rule(i), i, 0, out _);
        var three = new NicCompletion[3];
        Assert.Equal(3, bench.Nic.Poll(three, 0));
        Assert.Equal([0ul, 1ul, 2ul], three.Select(static c => c.UserData));
        Assert.Equal(7, bench.Poll().Length);
    }

    [Fact]
    public void An_invalid_rule_fails_by_completion()
    {
        using var bench = new NicBench("no-nat");
        FlowRule rule = Rule(1, new FlowActionSetTpSrc(5), new FlowActionPort(2));
        FlowError? error = bench.TryCreate(rule, out NicHandle handle);
        Assert.Equal(bench.Nic.Validate(rule), error);
        Assert.Equal("set_tp_src", error?.Subject);
        Assert.True(bench.Nic.EnqueueDestroy(handle, 9, 0));
        Assert.Equal(FlowErrno.NoEntry, Assert.Single(bench.Poll()).Error?.Errno);
    }

    [Fact]
    public void Final_counters_come_with_the_destroy_completion()
    {
        using var bench = new NicBench("slow-insert");
        bench.Nic.EnqueueCreate(Rule(1), 0, 0, out NicHandle handle);
        bench.NowNs = 10 * Ms;
        Assert.Single(bench.Poll());
        bench.Receive(NicFrame.TcpIpv4(1));
        bench.Nic.EnqueueDestroy(handle, 0, bench.NowNs);
        // The rule still works until the destroy takes effect.
        bench.NowNs += 1 * Ms;
        Assert.Empty(bench.Poll());
        Assert.NotNull(bench.Receive(NicFrame.TcpIpv4(1, payload: 100)));
        bench.NowNs += 1 * Ms;
        Assert.Equal(new NicCounters(2, 64 + 154, 11 * Ms), Assert.Single(bench.Poll()).Counters);
        Assert.Null(bench.Receive(NicFrame.TcpIpv4(1)));
    }

    [Fact]
    public void Queries_see_the_last_refresh()
    {
        NicProfile profile = NicProfile.Load("ideal") with { CounterRefreshNs = 1000 * Ms };
        using var bench = new NicBench(profile);
        NicHandle handle = bench.Create(Rule(1));
        Hit(100);
        Hit(900);
        Assert.Equal(0ul, Query(999));
        Assert.Equal(2ul, Query(1000));
        Hit(1500);
        Assert.Equal(2ul, Query(1999));
        Assert.Equal(3ul, Query(2000));
        Assert.Equal(3ul, Query(7500));
        Hit(7600);
        Hit(7700);
        Assert.Equal(3ul, Query(7999));
        Assert.Equal(5ul, Query(8000));
        Assert.Null(bench.Nic.Query(handle, 8000 * Ms, out NicCounters counters));
        Assert.Equal(new NicCounters(5, 5 * 64, 7700 * Ms), counters);
        Hit(8100);
        Assert.Equal(6ul, bench.Destroy(handle).Hits);

        void Hit(long ms)
        {
            bench.NowNs = ms * Ms;
            Assert.NotNull(bench.Receive(NicFrame.TcpIpv4(1)));
        }

        ulong Query(long ms)
        {
            Assert.Null(bench.Nic.Query(handle, ms * Ms, out NicCounters c));
            return c.Hits;
        }
    }

    [Fact]
    public void Random_queries_are_exactly_the_hits_before_the_last_refresh()
    {
        var random = new Random(11);
        NicProfile profile = NicProfile.Load("ideal") with { CounterRefreshNs = 10 * Ms };
        using var bench = new NicBench(profile);
        NicHandle handle = bench.Create(Rule(1));
        var hits = new List<long>();
        for (int i = 0; i < 3000; i++)
        {
            bench.NowNs += random.Next(3) == 0 ? random.Next((int)(15 * Ms)) : random.Next((int)Ms);
            if (random.Next(2) == 0)
            {
                bench.Receive(NicFrame.TcpIpv4(1));
                hits.Add(bench.NowNs);
                continue;
            }
            long refresh = bench.NowNs / (10 * Ms) * (10 * Ms);
            Assert.Null(bench.Nic.Query(handle, bench.NowNs, out NicCounters c));
            Assert.Equal((ulong)hits.Count(h => h < refresh), c.Hits);
        }
    }

    [Fact]
    public void Only_counted_rules_can_be_queried()
    {
        using var bench = new NicBench();
        NicHandle handle = bench.Create(Rule(1, new FlowActionPort(2)));
        Assert.Equal("count", bench.Nic.Query(handle, 0, out _)?.Subject);
        Assert.Equal(FlowErrno.NoEntry, bench.Nic.Query(new NicHandle(99), 0, out _)?.Errno);
        bench.Receive(NicFrame.TcpIpv4(1));
        Assert.Equal(new NicCounters(0, 0, -1), bench.Destroy(handle));
    }

    [Fact]
    public void Queue_stats_count_hits_and_misses()
    {
        using var bench = new NicBench();
        bench.Create(Rule(1));
        bench.Receive(NicFrame.TcpIpv4(1));
        bench.Receive(NicFrame.TcpIpv4(2));
        bench.Receive([1, 2, 3]);
        Assert.Equal(new NicRxStats(1, 64, 2, 67), bench.Stats);
    }

    [Fact]
    public void A_frame_without_headroom_is_the_callers_mistake()
    {
        using var bench = new NicBench();
        NicRxQueue queue = bench.Nic.OpenRxQueue();
        var sink = new NicSink([]);
        Assert.Throws<ArgumentOutOfRangeException>(() => queue.Receive(1, new byte[100], 31, 60, 0, ref sink, out _));
    }

    [Fact]
    public void Receiving_allocates_nothing()
    {
        using var bench = new NicBench();
        bench.Create(Rule(1, new FlowActionCount(), new FlowActionSample([new FlowActionSetTtl(5), new FlowActionPort(3)]), new FlowActionSetIpv4Src(7), new FlowActionOfPushVlan(0x8100), new FlowActionPort(2)));
        bench.Create(NicBench.Rule([new FlowItemEth(), new FlowItemIpv4(), new FlowItemUdp()], new FlowActionCount(), new FlowActionDrop()));
        NicRxQueue queue = bench.Nic.OpenRxQueue();
        byte[][] frames = [NicFrame.TcpIpv4(1), NicFrame.TcpIpv4(2), NicFrame.UdpIpv4(), NicFrame.TcpIpv6()];
        byte[] buffer = new byte[NicRxQueue.HeadroomBytes + 2048];
        var sink = new CountingSink();
        Run(2000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(2000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(2000, sink.Count);

        void Run(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                byte[] frame = frames[i % frames.Length];
                frame.CopyTo(buffer, NicRxQueue.HeadroomBytes);
                queue.Receive(1, buffer, NicRxQueue.HeadroomBytes, frame.Length, i, ref sink, out _);
            }
        }
    }

    private struct CountingSink : INicSink
    {
        public int Count;

        public void Transmit(uint port, ReadOnlySpan<byte> frame) => Count++;
    }
}
