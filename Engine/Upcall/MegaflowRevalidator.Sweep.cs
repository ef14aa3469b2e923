using Mergeflow.Engine.Lookup;
using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <content>The sweep that is due every so often: all report, idle ones go, and those that were put in by hand are held against the tables.</content>
public sealed partial class MegaflowRevalidator
{
    private long _sweptAtMs;
    private int _cursor;

    /// <summary>No sweep begins or goes on (OVS <c>revalidator/pause</c>). What a change of the tables concerns is looked at all the same. Set by the packet thread.</summary>
    internal bool IsPaused { get; set; }

    /// <summary>
    /// Pushes statistics and deletes what has been idle too long, a slice of the sweep that is due; true when it has seen all.
    /// </summary>
    public bool SweepIfDue(long nowMs, Slice slice)
    {
        _nowMs = nowMs;
        if (IsPaused || _upcall.InstallsNothing || (_cursor == 0 && nowMs - _sweptAtMs < _maxRevalidatorMs)) return false;
        MegaflowTable table = _upcall.Megaflows;
        int high = table.HighWater;
        while (_cursor < high && slice.Take())
        {
            if (table[_cursor++] is { } m) Sweep(m, nowMs);
        }

        if (!IsSliced) table.Reclaim();
        if (_cursor < high) return false;
        (_cursor, _sweptAtMs) = (0, nowMs);
        _upcall.Classifier.ShrinkUnion();
        return true;
    }

    private void Sweep(Megaflow m, long nowMs)
    {
        if (IsLost(m))
        {
            Remove(m);
            return;
        }

        if (m.IsUnchecked)
        {
            m.IsUnchecked = false;
            Check(m, nowMs);
            return;
        }

        Push(m);
        if (nowMs - _upcall.Megaflows.CountersOf(m).LastUsedMs < _maxIdleMs) return;
        Stats = Stats with { Idle = Stats.Idle + 1 };
        Remove(m);
    }

    /// <summary>One that was put in by hand is held against the tables; where its packets come from no bridge, there are none (OVS <c>xlate_lookup</c>: ENODEV).</summary>
    private void Check(Megaflow m, long nowMs)
    {
        if (!_backer.Ports.Has(m.Value.InPort.Host))
        {
            Push(m, learns: false);
            Remove(m);
            return;
        }

        LookAgain(m, nowMs);
        _scratch.ReleaseRecircIds();
    }

    /// <summary>Takes megaflows out and pushes what they have counted; those that are others by now stay. Returns how many went. By the packet thread.</summary>
    internal int TakeOut(IReadOnlyList<MegaflowInfo> chosen, long nowMs)
    {
        MegaflowTable table = _upcall.Megaflows;
        _nowMs = nowMs;
        int count = 0;
        foreach (MegaflowInfo of in chosen)
        {
            int slot = MegaflowId.SlotOf(of.Id);
            if (!table.IsCurrent(slot, of.Generation) || table[slot] is not { } m) continue;
            Push(m);
            Remove(m);
            count++;
        }

        _upcall.Classifier.ShrinkUnion();
        return count;
    }
}
