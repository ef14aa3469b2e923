using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Upcall;

/// <summary>
/// What a slice pushes to OpenFlow rules: many megaflows have a rule in common, whose counters other packet threads push to as well, so what comes for one rule is put together. For one thread.
/// </summary>
internal sealed class RuleCredits
{
    private const int Rules = 8;

    private readonly Entry[] _entries = new Entry[Rules];
    private int _turn;
    private bool _isOpen;

    /// <summary>From now on until <see cref="End"/> rules get what they have coming some time, at the latest then.</summary>
    public void Begin() => _isOpen = true;

    /// <summary>A rule has packets coming.</summary>
    public void Add(OfRuleStats rule, ulong packets, ulong bytes, long lastUsedMs)
    {
        if (!_isOpen)
        {
            rule.Add(packets, bytes, lastUsedMs);
            return;
        }

        foreach (ref Entry e in _entries.AsSpan())
        {
            if (e.Rule != rule) continue;
            (e.Packets, e.Bytes, e.LastUsedMs) = (e.Packets + packets, e.Bytes + bytes, Math.Max(e.LastUsedMs, lastUsedMs));
            return;
        }

        ref Entry taken = ref _entries[_turn];
        _turn = (_turn + 1) % Rules;
        taken.Push();
        taken = new Entry { Rule = rule, Packets = packets, Bytes = bytes, LastUsedMs = lastUsedMs };
    }

    /// <summary>Rules have got what they had coming.</summary>
    public void End()
    {
        _isOpen = false;
        foreach (ref Entry e in _entries.AsSpan())
        {
            e.Push();
            e = default;
        }
    }

    private struct Entry
    {
        public OfRuleStats? Rule;
        public ulong Packets, Bytes;
        public long LastUsedMs;

        public readonly void Push() => Rule?.Add(Packets, Bytes, LastUsedMs);
    }
}
