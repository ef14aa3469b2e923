using Mergeflow.Engine.Ledger;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Books what hardware counts: a device's counters are monotone, and each difference is credited once, to every visit of the rule's chain. Beside that the other
/// side of the books: what must have been credited, from the rules' totals instead of from the differences (<see cref="Debts"/>).
/// </summary>
/// <remarks>Under the offload thread's lock.</remarks>
/// <param name="registry">The rules.</param>
/// <param name="provider">What counts.</param>
/// <param name="megaflows">Where packets of megaflows are booked.</param>
/// <param name="conns">Where packets of connections are booked.</param>
/// <param name="stats">Where hits are counted.</param>
internal sealed class RuleLedger(RuleRegistry registry, IOffloadProvider provider, IMegaflowLedger megaflows, IConnLedger conns, OffloadStats stats)
{
    private OffloadDebts _ofDeadRules;
    private int _cursor;

    /// <summary>Reads and credits up to <paramref name="budget"/> rules in turn; returns how many had news.</summary>
    public int PollNext(int budget, long nowMs)
    {
        int news = 0;
        for (int left = Math.Min(budget, registry.Count); left > 0; left--)
        {
            if (_cursor >= registry.Count) _cursor = 0;
            if (Poll(registry.Rules[_cursor++], nowMs)) news++;
        }

        return news;
    }

    /// <summary>Reads and credits every rule as of the next counter refresh: a simulated device's clock may run ahead.</summary>
    public void PollAll(long nowMs)
    {
        for (int i = registry.Count - 1; i >= 0; i--) Poll(registry.Rules[i], nowMs + provider.Capabilities.CounterLagMs);
    }

    /// <summary>Credits what is new in a rule's counters; false if nothing is.</summary>
    public bool Credit(MergedFlow rule, OffloadCounters counters, long nowMs)
    {
        // A device that was reset counts from 0 again; what it forgot is not credited twice. One that counts packets and bytes one after the other
        // may have been read in between: then the bytes are all that is new next time.
        if (counters.Packets < rule.Packets || (counters.Packets == rule.Packets && counters.Bytes <= rule.Bytes)) return false;
        ulong packets = counters.Packets - rule.Packets;
        ulong bytes = counters.Bytes - rule.Bytes;
        long lastUsedMs = counters.LastUsedMs >= 0 ? counters.LastUsedMs : nowMs;
        rule.Packets = counters.Packets;
        rule.Bytes = counters.Bytes;
        rule.LastUsedMs = lastUsedMs;
        if (rule.Timeline.FirstHitAtMs < 0) rule.Timeline.FirstHitAtMs = lastUsedMs;

        // What is inside counts as a hit, by its own rule.
        if (!rule.TakesOff)
        {
            stats.Hits += packets;
            stats.HitBytes += bytes;
        }

        foreach (ref readonly MergedPass p in rule.Passes.AsSpan())
        {
            megaflows.Credit(p.MegaflowId, p.Generation, packets * (ulong)p.Multiplicity, Corrected(packets, bytes, p.Multiplicity, p.LengthDeltaBytes), lastUsedMs);
        }

        // A device that keeps connections has counted each hit once, at the length on receipt.
        bool isCounted = provider.Capabilities.KeepsConnections;
        foreach (ref readonly MergedConn c in rule.Conns.AsSpan())
        {
            if (isCounted && c is { Multiplicity: 1, LengthDeltaBytes: 0 }) continue;
            ulong connPackets = packets * (ulong)c.Multiplicity;
            ulong connBytes = Corrected(packets, bytes, c.Multiplicity, c.LengthDeltaBytes);
            if (isCounted) (connPackets, connBytes) = (connPackets - packets, unchecked(connBytes - bytes));
            conns.Credit(c.ConnId, c.Generation, c.Reply, connPackets, connBytes, lastUsedMs);
        }

        return true;
    }

    /// <summary>The rule is gone and credited to the last packet: what it owed stays on the books.</summary>
    public void Close(MergedFlow rule) => _ofDeadRules = Add(_ofDeadRules, rule);

    /// <summary>What follows from all counters read so far.</summary>
    public OffloadDebts Debts()
    {
        OffloadDebts sum = _ofDeadRules with { LiveRules = registry.Count, DyingRules = registry.DyingCount };
        foreach (MergedFlow r in registry.Rules)
        {
            sum = Add(sum, r);
            if (r.State == MergedFlowState.Active && !registry.IsCurrent(r)) sum = sum with { StaleRules = sum.StaleRules + 1 };
        }

        return sum;
    }

    private bool Poll(MergedFlow rule, long nowMs) => provider.Query(rule, nowMs, out OffloadCounters counters) && Credit(rule, counters, nowMs);

    private OffloadDebts Add(OffloadDebts sum, MergedFlow rule)
    {
        BookTotals own = new(rule.Packets, rule.Bytes), ofMegaflows = default, ofConns = default;
        foreach (ref readonly MergedPass p in rule.Passes.AsSpan())
        {
            ofMegaflows += new BookTotals(rule.Packets * (ulong)p.Multiplicity, Corrected(rule.Packets, rule.Bytes, p.Multiplicity, p.LengthDeltaBytes));
        }

        foreach (ref readonly MergedConn c in rule.Conns.AsSpan())
        {
            ofConns += new BookTotals(rule.Packets * (ulong)c.Multiplicity, Corrected(rule.Packets, rule.Bytes, c.Multiplicity, c.LengthDeltaBytes));
            if (provider.Capabilities.KeepsConnections) ofConns -= own;
        }

        return sum with { Rules = sum.Rules + own, Outside = rule.TakesOff ? sum.Outside + own : sum.Outside, Megaflows = sum.Megaflows + ofMegaflows, Connections = sum.Connections + ofConns };
    }

    /// <summary>Bytes of all visits: each at the length that the packet had then.</summary>
    private static ulong Corrected(ulong packets, ulong bytes, int multiplicity, int lengthDeltaBytes)
        => (ulong)(((long)bytes * multiplicity) + ((long)packets * lengthDeltaBytes));
}
