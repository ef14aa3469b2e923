namespace Mergeflow.Perf;

/// <summary>
/// The <see cref="SavedCycles"/> policy on a trace: the engine's own recording filter, rates and prices; each flow goes through two passes and one
/// connection.
/// </summary>
internal static class SavedCyclesShare
{
    private const int SampleCount = 16;
    private const int PacketsPerMs = 1000;

    /// <summary>What a rule in the table knows.</summary>
    private sealed class Entry(int flow, MergedRate rate, long sinceMs)
    {
        public readonly int Flow = flow;
        public readonly long SinceMs = sinceMs;
        public MergedRate Rate = rate;
        public ulong Packets;
    }

    /// <summary>Packets whose flow was in the table, and rules that were put in.</summary>
    public static (long Hits, long Installs) Count(ReadOnlySpan<int> trace, ReadOnlySpan<long> timesMs, int capacity)
    {
        var model = new SavedCycles();
        double perPacket = model.PerPacket(2, 1, 1);
        var filter = new RecordingFilter(new AdmitSavedCycles(model).RecordAfterPackets, 1 << 17);
        var byFlow = new Dictionary<int, Entry>();
        var slots = new List<Entry>();
        int next = 0;
        long hits = 0, installs = 0;
        for (int i = 0; i < trace.Length; i++)
        {
            long nowMs = timesMs.IsEmpty ? i / PacketsPerMs : timesMs[i];
            if (byFlow.TryGetValue(trace[i], out Entry? entry))
            {
                hits++;
                entry.Packets++;
                continue;
            }

            ulong hash = Scatter((ulong)trace[i]);
            if (!filter.ShouldRecord(hash, nowMs, out _, out FlowSeen seen)) continue;
            entry = new Entry(trace[i], MergedRate.Of(seen.Packets, seen.AgeMs, nowMs), nowMs);
            double worth = model.Predicted(perPacket, entry.Rate.PacketsPerSecond, seen.AgeMs);
            int slot = worth < model.Price(slots.Count, capacity) ? -1
                : slots.Count < capacity ? slots.Count
                : Victim(model, perPacket, slots, worth, nowMs, ref next);
            if (slot < 0)
            {
                filter.Suppress(hash, nowMs, PmdOffload.SuppressionMs, OffloadReason.AdmissionPolicy);
                continue;
            }

            if (slot == slots.Count) slots.Add(entry);
            else
            {
                byFlow.Remove(slots[slot].Flow);
                slots[slot] = entry;
            }

            byFlow.Add(entry.Flow, entry);
            installs++;
        }

        return (hits, installs);
    }

    /// <summary>As <see cref="AdmitSavedCycles.ChooseVictim"/>.</summary>
    private static int Victim(SavedCycles model, double perPacket, List<Entry> slots, double newcomer, long nowMs, ref int next)
    {
        int victim = -1;
        double least = double.MaxValue;
        for (int n = Math.Min(SampleCount, slots.Count); n > 0; n--)
        {
            if (next >= slots.Count) next = 0;
            int slot = next++;
            Entry e = slots[slot];
            if (nowMs - e.SinceMs < MergedRate.WindowMs) continue;
            e.Rate.Update(e.Packets, nowMs);
            double worth = model.Predicted(perPacket, e.Rate.PacketsPerSecond, nowMs - e.Rate.FirstSeenMs);
            if (worth < least) (victim, least) = (slot, worth);
        }

        return victim >= 0 && model.Beats(newcomer, least) ? victim : -1;
    }

    /// <summary>SplitMix64: neighbours share neither tag nor cell.</summary>
    private static ulong Scatter(ulong z)
    {
        z += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
}
