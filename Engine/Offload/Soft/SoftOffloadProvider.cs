using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Keeps merged rules in a <see cref="MergedFlowTable"/> that the packet thread probes first: offload for machines without such a NIC.</summary>
public sealed unsafe class SoftOffloadProvider : IOffloadProvider
{
    private readonly IGracePeriod _grace;
    private readonly Queue<OffloadCompletion> _answers = new();
    private readonly Queue<(long RuleId, int Slot, ulong Point)> _leaving = new();
    private readonly Dictionary<long, int> _slotOf = [];
    private GateSet? _suspended;

    /// <summary>A provider with its own table.</summary>
    /// <param name="capacity">Most rules.</param>
    /// <param name="templateCapacity">Most masks.</param>
    /// <param name="grace">When the packet thread lets go; null = single-threaded.</param>
    public SoftOffloadProvider(int capacity, int templateCapacity = 8, IGracePeriod? grace = null)
    {
        _grace = grace ?? NoReaders.Instance;
        Table = new MergedFlowTable(capacity, templateCapacity, _grace);
        Capabilities = new OffloadCapabilities(capacity, KeepsConnections: true, RevokesAtOnce: true);
    }

    /// <summary>What the packet thread probes.</summary>
    public MergedFlowTable Table { get; }

    /// <inheritdoc/>
    public string Name => "soft";

    /// <inheritdoc/>
    public OffloadCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public RevocationGates? Gates => Table.Gates;

    /// <inheritdoc/>
    public int RuleCount => Table.Count;

    /// <inheritdoc/>
    public OffloadReason Validate(MergedFlow rule, out string? detail)
    {
        bool tooMany = rule.Conns.Length > MergedHot.MaxConns;
        detail = tooMany ? "connections" : null;
        return tooMany ? OffloadReason.TraceTooDeep : OffloadReason.None;
    }

    /// <inheritdoc/>
    public bool Create(MergedFlow rule, long nowMs)
    {
        if (_slotOf.ContainsKey(rule.Id))
        {
            _answers.Enqueue(new OffloadCompletion(OffloadCompletionKind.Created, rule.Id, OffloadReason.None, null, default));
            return true;
        }

        int slot = Table.TryAdd(rule, out OffloadReason reason);
        if (slot >= 0) _slotOf.Add(rule.Id, slot);
        OffloadCompletionKind kind = slot >= 0 ? OffloadCompletionKind.Created : OffloadCompletionKind.CreateFailed;
        _answers.Enqueue(new OffloadCompletion(kind, rule.Id, reason, null, default));
        return true;
    }

    /// <inheritdoc/>
    public bool Destroy(MergedFlow rule, long nowMs)
    {
        if (!_slotOf.TryGetValue(rule.Id, out int slot))
        {
            _answers.Enqueue(new OffloadCompletion(OffloadCompletionKind.Destroyed, rule.Id, OffloadReason.None, null, default));
            return true;
        }

        if (Table[slot]->Gate == RevocationGates.Shut) return true;
        Table.Unpublish(slot);
        _leaving.Enqueue((rule.Id, slot, _grace.Begin()));
        return true;
    }

    /// <inheritdoc/>
    public bool Query(MergedFlow rule, long nowMs, out OffloadCounters counters)
    {
        bool known = _slotOf.TryGetValue(rule.Id, out int slot);
        counters = known ? Read(slot) : default;
        return known;
    }

    /// <inheritdoc/>
    public int Poll(Span<OffloadCompletion> completions, long nowMs)
    {
        int count = 0;
        while (count < completions.Length && _answers.TryDequeue(out OffloadCompletion answer)) completions[count++] = answer;

        while (count < completions.Length && _leaving.TryPeek(out (long RuleId, int Slot, ulong Point) l) && _grace.HasPassed(l.Point))
        {
            _leaving.Dequeue();
            completions[count++] = new OffloadCompletion(OffloadCompletionKind.Destroyed, l.RuleId, OffloadReason.None, null, Read(l.Slot));
            _slotOf.Remove(l.RuleId);
            Table.Release(l.Slot);
        }

        return count;
    }

    /// <inheritdoc/>
    public void Resync(long nowMs)
    {
        // Memory loses nothing.
    }

    /// <inheritdoc/>
    public void Drain(long nowMs, int limitMs)
    {
        // Requests are carried out when they are made.
    }

    /// <inheritdoc/>
    public void Suspend() => _suspended ??= Table.Gates.CloseAll();

    /// <inheritdoc/>
    public void Resume()
    {
        if (_suspended is GateSet closed) Table.Gates.Open(in closed);
        _suspended = null;
    }

    /// <inheritdoc/>
    public void Dispose() => Table.Dispose();

    private OffloadCounters Read(int slot)
    {
        MergedHot* hot = Table[slot];
        (ulong packets, ulong bytes) = CombinedCounter.Read(ref hot->Counter);
        return new OffloadCounters(packets, bytes, Volatile.Read(ref hot->LastUsedMs));
    }
}
