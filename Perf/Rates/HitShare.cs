namespace Mergeflow.Perf;

/// <summary>
/// How many packets of a trace a table of a given size takes, per policy. A packet whose flow is in the table is a hit; a miss may put its flow in,
/// for the packets after it. No device and no clock: this is about choice alone.
/// </summary>
public static class HitShare
{
    /// <summary>Policies, the best that is possible last.</summary>
    public static IReadOnlyList<string> Policies { get; } = ["always, LRU", "after 2, LRU", "after 8, LRU", "LFU", "hysteresis", "optimum"];

    /// <summary>Share of hits in percent.</summary>
    /// <param name="trace">Flow numbers, packet by packet, from 0.</param>
    /// <param name="capacity">Flows that fit.</param>
    /// <param name="policy">One of <see cref="Policies"/>.</param>
    public static double Percent(ReadOnlySpan<int> trace, int capacity, string policy)
    {
        long hits = policy switch
        {
            "always, LRU" => Recency(trace, capacity, afterPackets: 1, minIdlePackets: 0),
            "after 2, LRU" => Recency(trace, capacity, afterPackets: 2, minIdlePackets: 0),
            "after 8, LRU" => Recency(trace, capacity, afterPackets: 8, minIdlePackets: 0),
            "hysteresis" => Recency(trace, capacity, afterPackets: 2, minIdlePackets: 4L * capacity),
            "LFU" => Frequency(trace, capacity),
            "optimum" => Optimum(trace, capacity),
            _ => throw new ArgumentException($"no policy {policy}", nameof(policy)),
        };
        return trace.IsEmpty ? 0 : 100.0 * hits / trace.Length;
    }

    /// <summary>
    /// The least recently used flow makes room, unless it was used within <paramref name="minIdlePackets"/>: two busy flows must not evict each
    /// other in turn.
    /// </summary>
    private static long Recency(ReadOnlySpan<int> trace, int capacity, int afterPackets, long minIdlePackets)
    {
        var order = new LinkedList<int>();
        var nodes = new Dictionary<int, LinkedListNode<int>>();
        var usedAt = new Dictionary<int, int>();
        var seen = new Dictionary<int, int>();
        long hits = 0;
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
        }

        return hits;
    }

    /// <summary>The flow with the fewest packets so far makes room, if the newcomer has had more.</summary>
    private static long Frequency(ReadOnlySpan<int> trace, int capacity)
    {
        var packets = new Dictionary<int, int>();
        var table = new SortedSet<(int Packets, int Flow)>();
        long hits = 0;
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
        }

        return hits;
    }

    /// <summary>Clairvoyant (Belady): the flow that is needed latest stays out or makes room.</summary>
    private static long Optimum(ReadOnlySpan<int> trace, int capacity)
    {
        int[] next = new int[trace.Length];
        var last = new Dictionary<int, int>();
        for (int i = trace.Length - 1; i >= 0; i--)
        {
            next[i] = last.GetValueOrDefault(trace[i], int.MaxValue);
            last[trace[i]] = i;
        }

        var table = new SortedSet<(int Next, int Flow)>();
        long hits = 0;
        for (int i = 0; i < trace.Length; i++)
        {
            int flow = trace[i];
            if (table.Remove((i, flow))) hits++;
            if (next[i] == int.MaxValue) continue;
            table.Add((next[i], flow));
            if (table.Count > capacity) table.Remove(table.Max);
        }

        return hits;
    }
}
