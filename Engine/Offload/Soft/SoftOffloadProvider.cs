using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Keeps merged rules in a <see cref="MergedFlowTable"/> per packet thread, which that thread probes first: offload for machines without such a NIC.</summary>
public sealed unsafe class SoftOffloadProvider : IOffloadProvider
{
    private readonly IGracePeriod _grace;
    private readonly MergedFlowTable[] _tables;
    private readonly Queue<OffloadCompletion> _answers = new();
    private readonly Queue<(long RuleId, Place Place, ulong Point)> _leaving = new();
    private readonly Dictionary<long, Place> _placeOf = [];
    private readonly RevocationGates _gates;
    private GateSet? _suspended;

    /// <summary>A provider with its own tables.</summary>
    /// <param name="capacity">Most rules of a table.</param>
    /// <param name="templateCapacity">Most masks of a table.</param>
    /// <param name="grace">When the packet threads let go; null = single-threaded.</param>
    /// <param name="tableCount">Tables, one for each packet thread.</param>
    public SoftOffloadProvider(int capacity, int templateCapacity = 8, IGracePeriod? grace = null, int tableCount = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tableCount, 1);
        _grace = grace ?? NoReaders.Instance;
        _gates = new RevocationGates(_grace);
        _tables = [.. Enumerable.Range(0, tableCount).Select(_ => new MergedFlowTable(capacity, templateCapacity, _grace, _gates))];
        Capabilities = new OffloadCapabilities(capacity * tableCount, KeepsConnections: true, RevokesAtOnce: true, HasTablePerPmd: true);
    }

    /// <summary>What the packet threads probe, by the index of the thread. All stand behind the same gates.</summary>
    public IReadOnlyList<MergedFlowTable> Tables => _tables;

    /// <inheritdoc/>
    public string Name => "soft";

    /// <inheritdoc/>
    public OffloadCapabilities Capabilities { get; }

    /// <inheritdoc/>
    public RevocationGates? Gates => _gates;

    /// <inheritdoc/>
    public int RuleCount => _tables.Sum(static t => t.Count);

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
        if (_placeOf.ContainsKey(rule.Id))
        {
            _answers.Enqueue(new OffloadCompletion(OffloadCompletionKind.Created, rule.Id, OffloadReason.None, null, default));
            return true;
        }

        MergedFlowTable table = _tables[rule.Table];
        int slot = table.TryAdd(rule, out OffloadReason reason);
        if (slot >= 0) _placeOf.Add(rule.Id, new Place(table, slot));
        OffloadCompletionKind kind = slot >= 0 ? OffloadCompletionKind.Created : OffloadCompletionKind.CreateFailed;
        _answers.Enqueue(new OffloadCompletion(kind, rule.Id, reason, null, default));
        return true;
    }

    /// <inheritdoc/>
    public bool Destroy(MergedFlow rule, long nowMs)
    {
        if (!_placeOf.TryGetValue(rule.Id, out Place place))
        {
            _answers.Enqueue(new OffloadCompletion(OffloadCompletionKind.Destroyed, rule.Id, OffloadReason.None, null, default));
            return true;
        }

        if (place.Hot()->Gate == RevocationGates.Shut) return true;
        place.Table.Unpublish(place.Slot);
        _leaving.Enqueue((rule.Id, place, _grace.Begin()));
        return true;
    }

    /// <inheritdoc/>
    public bool Query(MergedFlow rule, long nowMs, out OffloadCounters counters)
    {
        bool known = _placeOf.TryGetValue(rule.Id, out Place place);
        counters = known ? Read(place.Hot()) : default;
        return known;
    }

    /// <inheritdoc/>
    public int Poll(Span<OffloadCompletion> completions, long nowMs)
    {
        int count = 0;
        while (count < completions.Length && _answers.TryDequeue(out OffloadCompletion answer)) completions[count++] = answer;

        while (count < completions.Length && _leaving.TryPeek(out (long RuleId, Place Place, ulong Point) l) && _grace.HasPassed(l.Point))
        {
            _leaving.Dequeue();
            completions[count++] = new OffloadCompletion(OffloadCompletionKind.Destroyed, l.RuleId, OffloadReason.None, null, Read(l.Place.Hot()));
            _placeOf.Remove(l.RuleId);
            l.Place.Table.Release(l.Place.Slot);
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
    public void Suspend() => _suspended ??= _gates.CloseAll();

    /// <inheritdoc/>
    public void Resume()
    {
        if (_suspended is GateSet closed) _gates.Open(in closed);
        _suspended = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (MergedFlowTable table in _tables) table.Dispose();
        _gates.Dispose();
    }

    private static OffloadCounters Read(MergedHot* hot)
    {
        (ulong packets, ulong bytes) = CombinedCounter.Read(ref hot->Counter);
        return new OffloadCounters(packets, bytes, Volatile.Read(ref hot->LastUsedMs));
    }

    /// <summary>Where a rule is.</summary>
    private readonly record struct Place(MergedFlowTable Table, int Slot)
    {
        public MergedHot* Hot() => Table[Slot];
    }
}
