namespace Mergeflow.Perf;

/// <summary>
/// How many packets of a trace a table of a given size takes, per policy. A packet whose flow is in the table is a hit; a miss may put its flow in,
/// for the packets after it. No device and no clock: this is about choice alone.
/// </summary>
public static class HitShare
{
    /// <summary>Policies, the best that is possible last.</summary>
    public static IReadOnlyList<string> Policies { get; } = ["always, LRU", "after 2, LRU", "after 8, LRU", "LFU", "hysteresis", "saved cycles", "optimum"];

    /// <summary>Share of hits in percent.</summary>
    /// <param name="trace">Flow numbers, packet by packet, from 0.</param>
    /// <param name="capacity">Flows that fit.</param>
    /// <param name="policy">One of <see cref="Policies"/>.</param>
    /// <param name="timesMs">When each packet came; none = a million packets per second.</param>
    public static double Percent(ReadOnlySpan<int> trace, int capacity, string policy, ReadOnlySpan<long> timesMs = default)
    {
        return trace.IsEmpty ? 0 : 100.0 * Count(trace, capacity, policy, timesMs).Hits / trace.Length;
    }

    /// <summary>Hits, and rules that were put in.</summary>
    public static (long Hits, long Installs) Count(ReadOnlySpan<int> trace, int capacity, string policy, ReadOnlySpan<long> timesMs = default)
        => policy switch
        {
            "always, LRU" => Recency(trace, capacity, afterPackets: 1, minIdlePackets: 0),
            "after 2, LRU" => Recency(trace, capacity, afterPackets: 2, minIdlePackets: 0),
            "after 8, LRU" => Recency(trace, capacity, afterPackets: 8, minIdlePackets: 0),
            "hysteresis" => Recency(trace, capacity, afterPackets: 2, minIdlePackets: 4L * capacity),
            "LFU" => Frequency(trace, capacity),
            "saved cycles" => SavedCyclesShare.Count(trace, timesMs, capacity),
            "optimum" => Optimum(trace, capacity),
            _ => throw new ArgumentException($"no policy {policy}", nameof(policy)),
        };

    /// <summary>
    /// Cycles that the hits save per packet of the trace, less what the installs cost: by <see cref="SavedCycles"/>, for two passes and one
    /// connection. Below 0 the rules cost more than they saved.
    /// </summary>
    public static double NetCycles(ReadOnlySpan<int> trace, int capacity, string policy, ReadOnlySpan<long> timesMs = default)
    {
        var model = new SavedCycles();
        (long hits, long installs) = Count(trace, capacity, policy, timesMs);
        return trace.IsEmpty ? 0 : ((hits * model.PerPacket(2, 1, 1)) - (installs * model.InstallCycles)) / trace.Length;
    }

    /// <summary>
    /// The least recently used flow makes room, unless it was used within <paramref name="minIdlePackets"/>: two busy flows must not evict each
    /// other in turn.
    /// </summary>
    private static (long Hits, long Installs) Recency(ReadOnlySpan<int> trace, int capacity, int afterPackets, long minIdlePackets)
    {
        var order = new LinkedList<int>();
        var nodes = new Dictionary<int, LinkedListNode<int>>();
        var usedAt = new Dictionary<int, int>();
        var seen = new Dictionary<int, int>();
        long hits = 0, installs = 0;
        for (int i = 0; i < trace.Length; i++)
        {
            int flow = trace[i];
            usedAt[flow] = i;
            if (nodes.TryGetValue(flow, out LinkedListNode<int>? node))
            {
                hits++;
                order.Remove(node);
                order.AddLast(node);
                continue;
            }

            int count = seen[flow] = seen.GetValueOrDefault(flow) + 1;
            if (count < afterPackets) continue;
            if (nodes.Count == capacity)
            {
                int oldest = order.First!.Value;
                if (i - usedAt[oldest] < minIdlePackets) continue;
                order.RemoveFirst();
                nodes.Remove(oldest);
            }

            nodes[flow] = order.AddLast(flow);
            installs++;
        }

        return (hits, installs);
    }

    /// <summary>The flow with the fewest packets so far makes room, if the newcomer has had more.</summary>
    private static (long Hits, long Installs) Frequency(ReadOnlySpan<int> trace, int capacity)
    {
        var packets = new Dictionary<int, int>();
        var table = new SortedSet<(int Packets, int Flow)>();
        long hits = 0, installs = 0;
        foreach (int flow in trace)
        {
            int before = packets.GetValueOrDefault(flow);
            packets[flow] = before + 1;
            if (table.Remove((before, flow)))
            {
                hits++;
                table.Add((before + 1, flow));
                continue;
            }

            if (table.Count == capacity)
            {
                if (table.Min.Packets > before) continue;
                table.Remove(table.Min);
            }

            table.Add((before + 1, flow));
            installs++;
        }

        return (hits, installs);
    }

    /// <summary>Clairvoyant (Belady): the flow that is needed latest stays out or makes room.</summary>
    private static (long Hits, long Installs) Optimum(ReadOnlySpan<int> trace, int capacity)
    {
        int[] next = new int[trace.Length];
        var last = new Dictionary<int, int>();
        for (int i = trace.Length - 1; i >= 0; i--)
        {
            next[i] = last.GetValueOrDefault(trace[i], int.MaxValue);
            last[trace[i]] = i;
        }

        var table = new SortedSet<(int Next, int Flow)>();
        long hits = 0, installs = 0;
        for (int i = 0; i < trace.Length; i++)
        {
            int flow = trace[i];
            bool isHit = table.Remove((i, flow));
            if (isHit) hits++;
            if (next[i] == int.MaxValue) continue;
            table.Add((next[i], flow));
            if (!isHit) installs++;
            if (table.Count <= capacity) continue;
            if (table.Max.Flow == flow && !isHit) installs--;
            table.Remove(table.Max);
        }

        return (hits, installs);
    }
}
