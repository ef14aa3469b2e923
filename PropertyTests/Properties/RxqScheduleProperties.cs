using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>Which thread each receive queue is given, against a model that deals queues out by arithmetic instead of walking along threads.</summary>
public sealed class RxqScheduleProperties
{
    private const int Rounds = 5000;
    private const int MaxPorts = 5;

    [Fact]
    public void Every_queue_has_the_thread_that_the_model_says()
    {
        int pinned = 0, refused = 0, across = 0, unpolled = 0;
        for (int seed = 1; seed <= Rounds; seed++)
        {
            Chance chance = new(seed);
            PmdCpu[] pmds = [.. Enumerable.Range(0, 8).Where(_ => chance.OneIn(2)).Select(cpu => new PmdCpu(cpu, chance.Below(3) * 4))];
            List<RxqDemand> queues = [];
            for (uint port = 1; port <= 1 + chance.Below(MaxPorts); port++)
            {
                int? node = chance.OneIn(6) ? null : chance.Below(4) * 4;
                int count = 1 + chance.Below(6);
                for (int q = 0; q < count; q++) queues.Add(new RxqDemand(new RxQueueName(port, q), node, chance.OneIn(5) ? chance.Below(9) : null, chance.OneIn(3) ? 0 : chance.Below(1000)));
            }

            RxqAssign mode = chance.Of([RxqAssign.Cycles, RxqAssign.RoundRobin, RxqAssign.Group]);
            bool isolates = mode != RxqAssign.Group || chance.OneIn(2);
            RxqSchedule schedule = RxqScheduler.Run(chance.OneIn(2) ? pmds : Enumerable.Reverse(pmds), queues, mode, isolates);

            Dictionary<RxQueueName, int?> expected = Model(pmds, queues, mode, isolates);
            RxqDecision[] last = [.. schedule.Decisions.Where(static d => d.Verdict != RxqVerdict.PinRefused)];
            Assert.Equal(queues.Count, last.Length);
            foreach (RxqDecision decision in last) Assert.True(expected[decision.Demand.Queue] == decision.Pmd?.Cpu, $"seed {seed}: queue {decision.Demand.Queue}: {decision.Pmd} instead of {expected[decision.Demand.Queue]}");
            foreach (PmdShare share in schedule.Shares)
            {
                RxqDecision[] own = [.. last.Where(d => d.Pmd == share.Pmd)];
                Assert.Equal((own.Length, own.Sum(static d => d.Demand.BusyTicks)), (share.QueueCount, share.BusyTicks));
                Assert.Equal(isolates && own.Any(static d => d.Verdict == RxqVerdict.Pinned), share.IsIsolated);
                if (share.IsIsolated) Assert.All(own, static d => Assert.Equal(RxqVerdict.Pinned, d.Verdict));
            }

            pinned += last.Count(static d => d.Verdict == RxqVerdict.Pinned);
            refused += schedule.Decisions.Count - last.Length;
            across += last.Count(static d => d.Verdict == RxqVerdict.AssignedAcross);
            unpolled += last.Count(static d => d.Verdict == RxqVerdict.Unpolled);
            Assert.All(last, static d => Assert.Equal(d.Verdict == RxqVerdict.AssignedAcross, d is { Pmd: { } pmd, Demand.Node: { } node } && pmd.Node != node && d.Verdict != RxqVerdict.Pinned));
        }

        Assert.All([pinned, refused, across, unpolled], static n => Assert.True(n > 100));
    }

    /// <summary>Of each queue the processor; null = none.</summary>
    private static Dictionary<RxQueueName, int?> Model(PmdCpu[] pmds, List<RxqDemand> queues, RxqAssign mode, bool isolates)
    {
        Dictionary<RxQueueName, int?> cpuOf = [];
        foreach (RxqDemand q in queues.Where(q => pmds.Any(p => p.Cpu == q.PinnedCpu))) cpuOf[q.Queue] = q.PinnedCpu;
        HashSet<int?> closed = isolates ? [.. cpuOf.Values] : [];
        int[] nodes = [.. pmds.Select(static p => p.Node).Distinct().Order()];
        Dictionary<int, int[]> open = nodes.ToDictionary(static n => n, n => pmds.Where(p => p.Node == n && !closed.Contains(p.Cpu)).Select(static p => p.Cpu).Order().ToArray());
        Dictionary<int, int> dealt = nodes.ToDictionary(static n => n, static _ => 0);
        List<RxqDemand> free = [.. queues.Where(q => !cpuOf.ContainsKey(q.Queue))];
        if (mode != RxqAssign.RoundRobin) free = [.. free.OrderBy(static q => (-q.BusyTicks, q.Queue.Port, q.Queue.Index))];

        // Nodes for queues of others in a circle: where the last search ended.
        int circle = nodes.Length - 1;
        foreach (RxqDemand q in free)
        {
            int? node = q.Node is { } own && open.TryGetValue(own, out int[]? there) && there.Length > 0 ? own : null;
            for (int tried = 0; node is null && tried < nodes.Length; tried++)
            {
                circle = (circle + 1) % nodes.Length;
                if (open[nodes[circle]].Length > 0) node = nodes[circle];
            }

            if (node is not { } at)
            {
                cpuOf[q.Queue] = null;
                continue;
            }

            int[] threads = open[at];
            int turn = dealt[at]++, m = threads.Length, back = turn % (2 * m);
            cpuOf[q.Queue] = mode switch
            {
                RxqAssign.RoundRobin => threads[turn % m],
                RxqAssign.Cycles => threads[back < m ? back : (2 * m) - 1 - back],
                _ => threads.OrderBy(c => q.BusyTicks > 0 ? queues.Where(o => cpuOf.GetValueOrDefault(o.Queue) == c).Sum(static o => o.BusyTicks) : cpuOf.Values.Count(v => v == c)).ThenBy(static c => c).First(),
            };
        }

        return cpuOf;
    }
}
