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

    /// <summary>Words at the front of a flow that hold dl_dst, dl_src, dl_type and vlan0_tci.</summary>
    private const int LinkWords = 2;

    /// <summary>Largest table that is searched rule by rule.</summary>
    private const int FlatLimit = 1024;

    /// <summary>Tables with fewer rules per mask than this are searched rule by rule.</summary>
    private const int FlatRulesPerMask = 8;

    private readonly OfRule[] _rules;
    private readonly Subtable[] _subtables;
    private readonly FlatRules? _flat;
    private readonly StagedLookup? _staged;

    /// <summary>Words that some rule matches on, ascending; pinned.</summary>
    private readonly int[] _words;

    /// <summary>For each word of a flow, its place in <see cref="_words"/>.</summary>
    private readonly int[] _slots = new int[WordCount];

    /// <summary>
    /// Indexes <paramref name="rules"/>, which are sorted by precedence. With <paramref name="order"/>, lookups read as much as Open vSwitch's.
    /// </summary>
    public TableIndex(IReadOnlyList<OfRule> rules, SubtableOrder? order = null)
    {
        _rules = [.. rules];
        _subtables = Group(_rules);
        _words = UsedWords();
        if (_rules.Length <= FlatLimit && _rules.Length < FlatRulesPerMask * _subtables.Length) _flat = new FlatRules(_rules, _words);
        if (order is not null) _staged = new StagedLookup(_rules, order);
        HasConjunctions = _rules.Any(static r => r.Conjunctions.Length > 0);
    }

    /// <summary>Number of rules.</summary>
    public int Count => _rules.Length;

    /// <summary>Number of distinct masks.</summary>
    public int SubtableCount => _subtables.Length;

    /// <summary>Some rules are clauses of conjunctive matches.</summary>
    public bool HasConjunctions { get; }

    /// <summary>Lookups read what Open vSwitch's read.</summary>
    public bool IsStaged => _staged is not null;

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

    /// <summary>A rule's mask as a dictionary key.</summary>
    private readonly struct MaskKey : IEquatable<MaskKey>
    {
        private readonly OfRule _rule;
        private readonly int _hash;

        public MaskKey(OfRule rule)
        {
            _rule = rule;
            HashCode h = default;
            h.AddBytes(rule.Match.Mask.Bytes);
            _hash = h.ToHashCode();
        }

        public bool Equals(MaskKey other) => _rule.Match.Mask.Bytes.SequenceEqual(other._rule.Match.Mask.Bytes);

        public override bool Equals(object? obj) => obj is MaskKey k && Equals(k);

        public override int GetHashCode() => _hash;
    }

    /// <summary>Word <paramref name="index"/> of a flow, in memory order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong WordOf(ref PipelineFlow flow, int index)
        => Unsafe.Add(ref Unsafe.As<PipelineFlow, ulong>(ref flow), index);
}
