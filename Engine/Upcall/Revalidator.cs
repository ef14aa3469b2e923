namespace Mergeflow.Engine;

/// <summary>
/// Keeps megaflows true (OVS revalidator): pushes their statistics to OpenFlow rules, deletes idle ones, and re-translates all after a table change.
/// </summary>
public sealed class Revalidator : IPoller
{
    /// <summary>Idle time after which a megaflow goes (OVS <c>max-idle</c>).</summary>
    public const long MaxIdleMs = 10_000;

    private const int SlicePerStep = 4096;

    private readonly OfPipeline _pipeline;
    private readonly UpcallHandler _upcall;
    private readonly Translator _translator;
    private readonly XlateResult _scratch = new();
    private ulong _seenVersion;
    private int _cursor;

    public Revalidator(OfPipeline pipeline, UpcallHandler upcall)
    {
        _pipeline = pipeline;
        _upcall = upcall;
        _translator = new Translator(pipeline);
        _seenVersion = pipeline.TablesVersion;
        upcall.Megaflows.Reclaiming = Push;
    }

    /// <inheritdoc/>
    public string Name => "revalidator";

    /// <summary>Megaflows deleted so far, by cause.</summary>
    public RevalidatorStats Stats { get; private set; }

    /// <summary>A slice: statistics and idle expiry, and the whole table at once when the OpenFlow tables have changed.</summary>
    public int Step(long nowMs)
    {
        if (_pipeline.TablesVersion != _seenVersion) return RevalidateAll(nowMs);
        MegaflowTable table = _upcall.Megaflows;
        int high = table.HighWater;
        int n = Math.Min(SlicePerStep, high);
        for (int i = 0; i < n; i++)
        {
            if (_cursor >= high) _cursor = 0;
            if (table[_cursor++] is { } m) Sweep(m, nowMs);
        }

        table.Reclaim();
        return 0;
    }

    /// <summary>Re-translates every megaflow now; on return none contradicts the tables.</summary>
    public int RevalidateAll(long nowMs)
    {
        _seenVersion = _pipeline.TablesVersion;
        MegaflowTable table = _upcall.Megaflows;
        int checkedCount = 0;
        for (int i = 0; i < table.HighWater; i++)
        {
            if (table[i] is not { } m) continue;
            checkedCount++;
            Push(m);
            if (StillValid(m, nowMs)) continue;
            Stats = Stats with { Changed = Stats.Changed + 1 };
            Remove(m);
        }

        table.Reclaim();
        return checkedCount;
    }

    /// <summary>Deletes what has been idle too long.</summary>
    public void ExpireIdle(long nowMs)
    {
        MegaflowTable table = _upcall.Megaflows;
        for (int i = 0; i < table.HighWater; i++)
        {
            if (table[i] is { } m) Sweep(m, nowMs);
        }

        table.Reclaim();
    }

    /// <summary>Pushes all counters to the OpenFlow rules.</summary>
    public void PushAll()
    {
        MegaflowTable table = _upcall.Megaflows;
        for (int i = 0; i < table.HighWater; i++)
        {
            if (table[i] is { } m) Push(m);
        }

        foreach (Megaflow m in table.Retiring()) Push(m);
        table.Reclaim();
    }

    /// <summary>Pushes one megaflow's new packets and bytes to every rule it visits, once per visit.</summary>
    public void Push(Megaflow m)
    {
        (ulong packets, ulong bytes, long lastUsedMs) = _upcall.Megaflows.CountersOf(m);
        ulong dp = packets - m.SettledPackets;
        ulong db = bytes - m.SettledBytes;
        if (dp == 0 && db == 0) return;
        m.SettledPackets = packets;
        m.SettledBytes = bytes;
        foreach (OfRule rule in m.Rules)
        {
            rule.Packets += dp;
            rule.Bytes += db;
            rule.LastUsedMs = Math.Max(rule.LastUsedMs, lastUsedMs);
        }
    }

    private void Sweep(Megaflow m, long nowMs)
    {
        Push(m);
        if (nowMs - _upcall.Megaflows.CountersOf(m).LastUsedMs < MaxIdleMs) return;
        Stats = Stats with { Idle = Stats.Idle + 1 };
        Remove(m);
    }

    private void Remove(Megaflow m)
    {
        // What hardware still counts for it is credited until its slot is reclaimed, and pushed then.
        _upcall.Delete(m);
    }

    private unsafe bool StillValid(Megaflow m, long nowMs)
    {
        FlowKey key = m.FullKey;
        if (!Revalidation.StillValid(ref key, m.FullLengthBytes, _translator, _scratch, new ReadOnlySpan<DpAction>(m.Hot->Actions, m.Hot->ActionCount), ref m.Mask, nowMs)) return false;
        // Same actions, but perhaps through other rules: from now on these carry the statistics.
        m.Rules = [.. _scratch.Rules];
        return true;
    }
}
