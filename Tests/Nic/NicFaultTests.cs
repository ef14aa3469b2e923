using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

public sealed class NicFaultTests
{
    private const long Ms = 1_000_000;

    private static FlowRule Rule(ushort src) => new(
        new FlowAttr(1, FlowTable.ExactMatch),
        [new FlowItemEth(), new FlowItemIpv4(), new FlowItemTcp { Src = src }],
        [new FlowActionCount(), new FlowActionPort(2)]);

    [Fact]
    public void Every_nth_create_is_refused()
    {
        using var bench = new NicBench(faults: new FaultPlan { RefuseEveryNthCreate = 3 });
        for (ushort i = 1; i <= 9; i++)
        {
            FlowError? error = bench.TryCreate(Rule(i), out _);
            Assert.Equal(i % 3 == 0 ? FlowErrno.Io : null, error?.Errno);
            Assert.Equal(i % 3 != 0, bench.Receive(NicFrame.TcpIpv4(i)) is not null);
        }
    }

    [Fact]
    public void The_table_claims_to_be_full()
    {
        using var bench = new NicBench(faults: new FaultPlan { TableFullEveryNthCreate = 2 });
        Assert.Null(bench.TryCreate(Rule(1), out _));
        FlowError? error = bench.TryCreate(Rule(2), out _);
        Assert.Equal(FlowErrno.NoSpace, error?.Errno);
        Assert.Equal(1, bench.Nic.RuleCount);
        Assert.Null(bench.TryCreate(Rule(2), out _));
    }

    [Fact]
    public void Completions_come_late_and_out_of_order()
    {
        using var bench = new NicBench(faults: new FaultPlan { Seed = 3, DelayCompletionChance = 0.5, DelayCompletionMaxMs = 50 });
        for (ushort i = 0; i < 100; i++) bench.Nic.EnqueueCreate(Rule(i), i, 0, out _);
        var seen = new List<ulong>();
        int atOnce = bench.Poll().Select(c => { seen.Add(c.UserData); return 1; }).Sum();
        // The rules are there, whatever the completions say.
        Assert.Equal(100, bench.Nic.RuleCount);
        Assert.InRange(atOnce, 25, 75);
        for (bench.NowNs = Ms; bench.NowNs <= 50 * Ms; bench.NowNs += Ms) seen.AddRange(bench.Poll().Select(static c => c.UserData));
        Assert.Equal(100, seen.Count);
        Assert.Equal(100, seen.Distinct().Count());
        Assert.NotEqual(seen.Order(), seen);
    }

    [Fact]
    public void A_lost_completion_is_found_by_resync()
    {
        using var bench = new NicBench(faults: new FaultPlan { Seed = 5, LoseCompletionChance = 0.3 });
        var handles = new List<NicHandle>();
        for (ushort i = 0; i < 50; i++)
        {
            bench.Nic.EnqueueCreate(Rule(i), i, 0, out NicHandle h);
            handles.Add(h);
        }
        var known = bench.Poll().ToDictionary(static c => c.Handle);
        Assert.InRange(known.Count, 20, 48);
        bench.NowNs = 1000 * Ms;
        Assert.Empty(bench.Poll());
        NicResync resync = bench.Nic.Resync(bench.NowNs);
        Assert.Equal(handles, resync.Rules.Select(static r => r.Handle));
        Assert.Equal(Enumerable.Range(0, 50).Select(static i => (ulong)i), resync.Rules.Select(static r => r.UserData));
        Assert.Equal(50, known.Count + resync.Completions.Count);
        Assert.DoesNotContain(resync.Completions, c => known.ContainsKey(c.Handle));
        Assert.Equal(0, resync.PendingCount);
        Assert.Empty(bench.Nic.Resync(bench.NowNs).Completions);
    }

    [Fact]
    public void Final_counters_of_a_lost_destroy_are_not_lost()
    {
        using var bench = new NicBench(faults: new FaultPlan { LoseCompletionChance = 1 });
        bench.Nic.EnqueueCreate(Rule(1), 1, 0, out NicHandle handle);
        Assert.Empty(bench.Poll());
        bench.Receive(NicFrame.TcpIpv4(1));
        bench.Nic.EnqueueDestroy(handle, 2, 0);
        Assert.Empty(bench.Poll());
        NicResync resync = bench.Nic.Resync(0);
        Assert.Empty(resync.Rules);
        Assert.Equal([1ul, 2ul], resync.Completions.Select(static c => c.UserData));
        Assert.Equal(1ul, resync.Completions[1].Counters.Hits);
    }

    [Fact]
    public void A_completion_comes_twice()
    {
        using var bench = new NicBench(faults: new FaultPlan { DuplicateCompletionChance = 1 });
        bench.Nic.EnqueueCreate(Rule(1), 1, 0, out NicHandle handle);
        NicCompletion[] twice = bench.Poll();
        Assert.Equal(2, twice.Length);
        Assert.Equal(twice[0], twice[1]);
        bench.Receive(NicFrame.TcpIpv4(1));
        bench.Nic.EnqueueDestroy(handle, 2, 0);
        twice = bench.Poll();
        Assert.Equal([1ul, 1ul], twice.Select(static c => c.Counters.Hits));
        bench.Nic.EnqueueCreate(Rule(1), 3, 0, out _);
        Assert.Single(bench.Nic.Resync(0).Completions);
    }

    [Fact]
    public void A_stalled_queue_catches_up()
    {
        using var bench = new NicBench(faults: new FaultPlan { Stalls = [new FaultWindow(10, 20), new FaultWindow(30, 5)] });
        bench.NowNs = 9 * Ms;
        bench.Create(Rule(1));
        bench.NowNs = 10 * Ms;
        bench.Nic.EnqueueCreate(Rule(2), 2, bench.NowNs, out _);
        for (; bench.NowNs < 35 * Ms; bench.NowNs += Ms)
        {
            Assert.Empty(bench.Poll());
            Assert.Null(bench.Receive(NicFrame.TcpIpv4(2)));
            Assert.NotNull(bench.Receive(NicFrame.TcpIpv4(1)));
        }
        Assert.Equal(2ul, Assert.Single(bench.Poll()).UserData);
        Assert.NotNull(bench.Receive(NicFrame.TcpIpv4(2)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    public void Frozen_counters_show_the_past(long refreshMs)
    {
        NicProfile profile = NicProfile.Load("ideal") with { CounterRefreshNs = refreshMs * Ms };
        using var bench = new NicBench(profile, new FaultPlan { CounterFreezes = [new FaultWindow(100, 50)] });
        NicHandle handle = bench.Create(Rule(1));
        foreach (long at in (long[])[5, 99, 105, 130, 149])
        {
            bench.NowNs = at * Ms;
            bench.Receive(NicFrame.TcpIpv4(1));
        }
        Assert.Equal(2ul, Query(149));
        bench.NowNs = 155 * Ms;
        bench.Receive(NicFrame.TcpIpv4(1));
        Assert.Equal(6ul, Query(160));
        Assert.Equal(6ul, bench.Destroy(handle).Hits);

        ulong Query(long ms)
        {
            Assert.Null(bench.Nic.Query(handle, ms * Ms, out NicCounters c));
            return c.Hits;
        }
    }

    [Fact]
    public void A_reset_kills_rules_and_requests_and_reports_the_last_refresh()
    {
        NicProfile profile = NicProfile.Load("slow-insert") with { CounterRefreshNs = 100 * Ms };
        using var bench = new NicBench(profile, new FaultPlan { ResetsAtMs = [500] });
        bench.Nic.EnqueueCreate(Rule(1), 11, 0, out NicHandle first);
        bench.Nic.EnqueueCreate(Rule(2), 12, 0, out NicHandle second);
        bench.NowNs = 10 * Ms;
        Assert.Equal(2, bench.Poll().Length);
        for (long at = 100; at < 500; at += 30)
        {
            bench.NowNs = at * Ms;
            Assert.NotNull(bench.Receive(NicFrame.TcpIpv4(1)));
        }
        bench.NowNs = 499 * Ms;
        bench.Nic.EnqueueCreate(Rule(3), 13, bench.NowNs, out NicHandle third);
        bench.Nic.EnqueueDestroy(first, 14, bench.NowNs);
        Assert.False(bench.Nic.TryDequeueEvent(out _));
        bench.NowNs = 510 * Ms;
        // A request that is made after the reset does not die with it.
        bench.Nic.EnqueueCreate(Rule(1), 15, bench.NowNs, out NicHandle after);
        NicCompletion[] failed = bench.Poll();
        Assert.Equal([13ul, 14ul], failed.Select(static c => c.UserData));
        Assert.All(failed, static c => Assert.Equal(FlowErrno.Reset, c.Error?.Errno));
        Assert.True(bench.Nic.TryDequeueEvent(out NicEvent? e));
        Assert.Equal((NicEventKind.Reset, 500 * Ms), (e!.Kind, e.AtNs));
        // Hits at 100, 130, .. 490 ms; all of them lie before the refresh at 500 ms.
        Assert.Equal([new NicRuleInfo(first, 11, new NicCounters(14, 14 * 64, 490 * Ms)), new NicRuleInfo(second, 12, new NicCounters(0, 0, -1))], e.DeadRules);
        Assert.Equal(0, bench.Nic.RuleCount);
        Assert.Null(bench.Receive(NicFrame.TcpIpv4(1)));
        Assert.Equal(FlowErrno.NoEntry, bench.Nic.Query(first, bench.NowNs, out _)?.Errno);
        bench.NowNs = 520 * Ms;
        Assert.Equal(after, Assert.Single(bench.Poll()).Handle);
        Assert.NotNull(bench.Receive(NicFrame.TcpIpv4(1)));
        Assert.NotEqual(third, after);
    }

    [Fact]
    public void Hits_since_the_last_refresh_are_lost_in_a_reset()
    {
        NicProfile profile = NicProfile.Load("ideal") with { CounterRefreshNs = 1000 * Ms };
        using var bench = new NicBench(profile, new FaultPlan { ResetsAtMs = [2500] });
        bench.Create(Rule(1));
        foreach (long at in (long[])[500, 1500, 2200])
        {
            bench.NowNs = at * Ms;
            bench.Receive(NicFrame.TcpIpv4(1));
        }
        bench.NowNs = 3000 * Ms;
        bench.Poll();
        Assert.True(bench.Nic.TryDequeueEvent(out NicEvent? e));
        Assert.Equal(2ul, Assert.Single(e!.DeadRules).Counters.Hits);
    }

    [Fact]
    public void The_same_plan_gives_the_same_faults()
    {
        var plan = new FaultPlan { Seed = 77, DelayCompletionChance = 0.4, DelayCompletionMaxMs = 20, LoseCompletionChance = 0.2, DuplicateCompletionChance = 0.2, RefuseEveryNthCreate = 7 };
        Assert.Equal(Run(plan), Run(plan));
        Assert.NotEqual(Run(plan), Run(plan with { Seed = 78 }));

        static List<(long, ulong, FlowErrno?)> Run(FaultPlan plan)
        {
            using var bench = new NicBench(faults: plan);
            var log = new List<(long, ulong, FlowErrno?)>();
            for (ushort i = 0; i < 60; i++)
            {
                bench.NowNs = i * Ms;
                bench.Nic.EnqueueCreate(Rule(i), i, bench.NowNs, out _);
                log.AddRange(bench.Poll().Select(c => (bench.NowNs, c.UserData, c.Error?.Errno)));
            }
            return log;
        }
    }

    [Fact]
    public void A_plan_survives_its_JSON()
    {
        var plan = new FaultPlan
        {
            Seed = 9,
            RefuseEveryNthCreate = 1,
            TableFullEveryNthCreate = 2,
            DelayCompletionChance = 0.25,
            DelayCompletionMaxMs = 3,
            LoseCompletionChance = 0.5,
            DuplicateCompletionChance = 0.75,
            Stalls = [new FaultWindow(4, 5)],
            CounterFreezes = [new FaultWindow(6, 7)],
            ResetsAtMs = [8, 9],
        };
        FaultPlan back = FaultPlan.Parse("plan.json", plan.ToJson());
        Assert.Equal(plan with { Stalls = back.Stalls, CounterFreezes = back.CounterFreezes, ResetsAtMs = back.ResetsAtMs }, back);
        Assert.Equal(plan.Stalls, back.Stalls);
        Assert.Equal(plan.CounterFreezes, back.CounterFreezes);
        Assert.Equal(plan.ResetsAtMs, back.ResetsAtMs);
        Assert.Equal(plan.ToJson(), back.ToJson());
    }

    [Theory]
    [InlineData("""{"loseCompletionChance": 1.5}""", "plan.json:1: loseCompletionChance: expected a number from 0 to 1, got 1.5")]
    [InlineData("""{"stalls": [{"atMs": 1}]}""", "plan.json:1: stalls[0]: member 'forMs' is missing")]
    [InlineData("""{"stalls": [{"atMs": -1, "forMs": 2}]}""", "plan.json:1: stalls[0].atMs: expected a whole number from 0 to 1099511627776, got -1")]
    [InlineData("{\n\"resets\": []}", "plan.json:2: resets: unknown member; known here: seed, refuseEveryNthCreate")]
    public void A_bad_plan_is_refused(string json, string message)
    {
        NicConfigException e = Assert.Throws<NicConfigException>(() => FaultPlan.Parse("plan.json", json));
        Assert.StartsWith(message, e.Message, StringComparison.Ordinal);
    }
}
