using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine;

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

    private readonly OfRule[] _rules;
    private readonly Subtable[] _subtables;
    private readonly FlatRules? _flat;
    private readonly Lazy<StagedLookup> _staged;

    /// <summary>Words that some rule matches on, ascending; pinned.</summary>
    private readonly int[] _words;

    /// <summary>For each word of a flow, its place in <see cref="_words"/>.</summary>
    private readonly int[] _slots = new int[WordCount];

    /// <summary>
    /// Indexes <paramref name="rules"/>, which are sorted by precedence.
    /// </summary>
    /// <param name="rules">At least one.</param>
    /// <param name="order">In which Open vSwitch would visit the subtables; null = by the precedence of their best rules.</param>
    /// <param name="isStaged">Lookups read as much as Open vSwitch's, not as little as they can.</param>
    public TableIndex(IReadOnlyList<OfRule> rules, SubtableOrder? order = null, bool isStaged = false)
    {
        _rules = [.. rules];
        _subtables = Group(_rules);
        _words = UsedWords();
        if (_rules.Length <= FlatLimit && _rules.Length < FlatRulesPerMask * _subtables.Length) _flat = new FlatRules(_rules, _words);
        OfRule[]? heads = order is null ? null : [.. order.Heads];
        _staged = new Lazy<StagedLookup>(() => new StagedLookup(_rules, heads ?? Array.ConvertAll(_subtables, s => _rules[s.First])));
        IsStaged = isStaged;
        UsesNormal = Array.Exists(_rules, static r => Array.Exists(r.Program, static o => o.UsesNormal));
        HasConjunctions = _rules.Any(static r => r.Conjunctions.Length > 0);
    }

    /// <summary>Number of rules.</summary>
    public int Count => _rules.Length;

    /// <summary>Number of distinct masks.</summary>
    public int SubtableCount => _subtables.Length;

    /// <summary>Some rules are clauses of conjunctive matches.</summary>
    public bool HasConjunctions { get; }

    /// <summary>Some rule has the action <c>normal</c>.</summary>
    public bool UsesNormal { get; }

    /// <summary>Lookups read what Open vSwitch's read.</summary>
    public bool IsStaged { get; }

    private int[] UsedWords()
    {
        var used = new List<int>();
        for (int w = 0; w < WordCount; w++)
        {
            if (!_rules.Any(r => WordOf(ref r.Match.Mask, w) != 0)) continue;
            _slots[w] = used.Count;
            used.Add(w);
        }

        int[] words = GC.AllocateUninitializedArray<int>(used.Count, pinned: true);
        used.CopyTo(words);
        return words;
    }

    private static Subtable[] Group(OfRule[] rules)
    {
        var groups = new Dictionary<MaskKey, List<int>>();
        for (int i = 0; i < rules.Length; i++)
        {
            var key = new MaskKey(rules[i]);
            ref List<int>? members = ref CollectionsMarshal.GetValueRefOrAddDefault(groups, key, out _);
            (members ??= []).Add(i);
        }

        var subtables = new List<Subtable>(groups.Count);
        foreach ((MaskKey _, List<int> members) in groups) subtables.Add(new Subtable(rules, members));
        subtables.Sort(static (a, b) => a.First.CompareTo(b.First));
        return [.. subtables];
    }

    /// <summary>Position of the best rule that <paramref name="flow"/> matches, or <see cref="int.MaxValue"/>; <paramref name="home"/> is its subtable.</summary>
    private int FindBest(ulong* flow, out int home)
    {
        int best = int.MaxValue;
        home = -1;
        Subtable[] subtables = _subtables;
        for (int i = 0; i < subtables.Length; i++)
        {
            Subtable s = subtables[i];
            if (s.First > best) break;
            int found = s.Find(flow);
            if (found < best) (best, home) = (found, i);
        }

        return best;
    }

    /// <summary>Word <paramref name="index"/> of a flow, in memory order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong WordOf(ref PipelineFlow flow, int index)
        => Unsafe.Add(ref Unsafe.As<PipelineFlow, ulong>(ref flow), index);
}
