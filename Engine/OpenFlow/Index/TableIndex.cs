using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// An immutable, searchable picture of one OpenFlow table (OVS <c>struct classifier</c>): rules in order of precedence, grouped into
/// subtables by mask.
/// </summary>
/// <remarks>
/// Precedence is total: higher priority first, among equals the rule that was added first. OpenFlow leaves equal-priority overlaps
/// undefined; a fixed choice is what keeps megaflows sound.
/// </remarks>
internal sealed unsafe partial class TableIndex
{
    /// <summary>8-byte words of a <see cref="PipelineFlow"/>.</summary>
    public const int WordCount = PipelineFlow.SizeBytes / 8;

    /// <summary>Largest table that is searched rule by rule.</summary>
    private const int FlatLimit = 1024;

    /// <summary>Tables with fewer rules per mask than this are searched rule by rule.</summary>
    private const int FlatRulesPerMask = 8;

    private readonly Subtable[] _subtables;
    private readonly PipelineWork _work;

    /// <summary>In the order of Open vSwitch, one rule of each subtable; null = as <see cref="_subtables"/> are.</summary>
    private readonly OfRule[]? _heads;

    /// <summary>It is searched rule by rule.</summary>
    private readonly bool _isFlat;

    /// <summary>What lookups read, made by the first of them or by <see cref="Prepare"/>; two threads that come at once make the same.</summary>
    private OfRule[]? _sorted;
    private FlatRules? _flat;
    private StagedLookup? _staged;
    private readonly ulong _wordMap;

    /// <summary>Words that some rule matches on, ascending; pinned.</summary>
    private readonly int[] _words;

    /// <summary>For each word of a flow, its place in <see cref="_words"/>.</summary>
    private readonly int[] _slots;

    /// <summary>
    /// A picture of these subtables.
    /// </summary>
    /// <param name="subtables">Sorted by their best rules; at least one.</param>
    /// <param name="count">Rules in them.</param>
    /// <param name="old">The picture before, whose parts are shared where they are the same; or null.</param>
    /// <param name="order">In which Open vSwitch would visit the subtables; null = by the precedence of their best rules.</param>
    /// <param name="isStaged">Lookups read as much as Open vSwitch's, not as little as they can.</param>
    /// <param name="work">Where effort is counted.</param>
    public TableIndex(Subtable[] subtables, int count, TableIndex? old, SubtableOrder? order, bool isStaged, PipelineWork work)
    {
        _subtables = subtables;
        _work = work;
        Count = count;
        foreach (Subtable s in subtables) _wordMap |= s.Shape.WordMap;
        (_words, _slots) = old is not null && old._wordMap == _wordMap ? (old._words, old._slots) : Words(_wordMap);
        _isFlat = count <= FlatLimit && count < FlatRulesPerMask * subtables.Length;
        if (order is not null) _heads = [.. order.Heads];
        IsStaged = isStaged;
    }

    /// <summary>Number of rules.</summary>
    public int Count { get; }

    /// <summary>One per mask, by the precedence of their best rules.</summary>
    public IReadOnlyList<Subtable> Subtables => _subtables;

    /// <summary>Some rules are clauses of conjunctive matches.</summary>
    public bool HasConjunctions { get; init; }

    /// <summary>Some rule has the action <c>normal</c>.</summary>
    public bool UsesNormal { get; init; }

    /// <summary>See <see cref="Quirks.PortsStandForStage"/>.</summary>
    public bool PortsStandForStage { get; init; }

    /// <summary>What a staged lookup has tries of.</summary>
    public PrefixFields Prefixes { get; init; } = PrefixFields.Default;

    /// <summary>Lookups read what Open vSwitch's read.</summary>
    public bool IsStaged { get; }

    /// <summary>Makes whatever lookups read.</summary>
    public void Prepare()
    {
        foreach (Subtable s in _subtables) s.Prepare();
        if (IsStaged) _ = Staged;
        else if (_isFlat && !HasConjunctions) _ = Flat;
    }

    /// <summary>All rules by precedence.</summary>
    private OfRule[] InOrder => _sorted ??= Sorted();

    private FlatRules Flat => _flat ??= new FlatRules(InOrder, _words);

    private StagedLookup Staged => _staged ??= new StagedLookup(InOrder, _heads ?? Array.ConvertAll(_subtables, static s => s.Head), PortsStandForStage, Prefixes);

    private static (int[] Words, int[] Slots) Words(ulong map)
    {
        int[] words = GC.AllocateUninitializedArray<int>(BitOperations.PopCount(map), pinned: true);
        int[] slots = new int[WordCount];
        int n = 0;
        for (ulong rest = map; rest != 0; rest &= rest - 1)
        {
            int w = BitOperations.TrailingZeroCount(rest);
            slots[w] = n;
            words[n++] = w;
        }

        return (words, slots);
    }

    private OfRule[] Sorted()
    {
        _work.RulesIndexed += (ulong)Count;
        OfRule[] rules = [.. _subtables.SelectMany(static s => s.Rules)];
        Array.Sort(Array.ConvertAll(rules, static r => r.Precedence), rules);
        return rules;
    }

    /// <summary>The subtable of the best rule that <paramref name="flow"/> matches, or null; <paramref name="rule"/> is that rule.</summary>
    private Subtable? FindBest(ulong* flow, out OfRule? rule)
    {
        ulong best = ulong.MaxValue;
        Subtable? home = null;
        rule = null;
        foreach (Subtable s in _subtables)
        {
            if (s.First > best) break;
            RulePlace found = s.Find(flow);
            _work.RulesCompared++;
            if (found.IsNone || found.Rule.Precedence >= best) continue;
            (best, home, rule) = (found.Rule.Precedence, s, found.Rule);
        }

        return home;
    }

    /// <summary>Word <paramref name="index"/> of a flow, in memory order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong WordOf(ref readonly PipelineFlow flow, int index)
        => Unsafe.Add(ref Unsafe.As<PipelineFlow, ulong>(ref Unsafe.AsRef(in flow)), index);
}
