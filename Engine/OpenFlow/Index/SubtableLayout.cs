using System.Numerics;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Rules of one mask, values side by side, and a hash table of the values: a whole <see cref="Subtable"/>, or a leaf of a large one. Immutable.</summary>
internal sealed unsafe class SubtableLayout
{
    private const int LinearLimit = 4;

    private readonly SubtableShape _shape;

    /// <summary>Values, <see cref="SubtableShape.WordCount"/> per rule.</summary>
    private readonly ulong[] _values;

    /// <summary>1 + the best rule of a value, or 0.</summary>
    private readonly int[] _buckets;
    private readonly int[] _next;
    private readonly int _shift;

    /// <summary>Lays out <paramref name="rules"/>, which are in order of precedence.</summary>
    /// <param name="shape">Their mask.</param>
    /// <param name="rules">None if a leaf is empty.</param>
    public SubtableLayout(SubtableShape shape, OfRule[] rules)
    {
        (_shape, Rules) = (shape, rules);
        int n = shape.WordCount;
        Precedences = new ulong[rules.Length];
        _next = new int[rules.Length];
        _values = new ulong[rules.Length * n];
        int at = 0;
        for (int r = 0; r < rules.Length; r++)
        {
            Precedences[r] = rules[r].Precedence;
            HasPlain |= rules[r].Conjunctions.Length == 0;
            for (int i = 0; i < n; i++) _values[at++] = TableIndex.WordOf(in rules[r].Match.Value, shape.Words[i]);
        }

        bool isHashed = rules.Length > LinearLimit;
        int buckets = isHashed ? (int)BitOperations.RoundUpToPowerOf2((uint)rules.Length * 2) : 1;
        _shift = 64 - BitOperations.Log2((uint)buckets);
        _buckets = new int[buckets];
        Chain(isHashed);
    }

    /// <summary>In order of precedence.</summary>
    public OfRule[] Rules { get; }

    /// <summary>Some rule is no clause of a conjunctive match.</summary>
    public bool HasPlain { get; }

    /// <summary>Values, <see cref="SubtableShape.WordCount"/> per rule.</summary>
    public ulong[] Values => _values;

    /// <summary>Precedences of the rules, ascending.</summary>
    public ulong[] Precedences { get; }

    /// <summary>The next rule with the same value, or -1.</summary>
    public int Next(int rule) => _next[rule];

    /// <summary>The best rule that <paramref name="flow"/> matches, or -1.</summary>
    public int Find(ulong* flow)
    {
        if (_buckets.Length == 1) return FindLinear(flow);
        SubtableShape shape = _shape;
        int n = shape.WordCount;
        int* words = shape.Words;
        ulong* masks = shape.Masks;
        fixed (ulong* values = _values)
        fixed (int* buckets = _buckets)
        {
            int last = _buckets.Length - 1;
            for (int b = BucketOf(shape.HashOf(flow)); buckets[b] != 0; b = (b + 1) & last)
            {
                int r = buckets[b] - 1;
                ulong* v = values + ((long)r * n);
                int i = 0;
                while (i < n && (flow[words[i]] & masks[i]) == v[i]) i++;
                if (i == n) return r;
            }
        }

        return -1;
    }

    private int FindLinear(ulong* flow)
    {
        int n = _shape.WordCount;
        int* words = _shape.Words;
        ulong* masks = _shape.Masks;
        fixed (ulong* values = _values)
        {
            ulong* v = values;
            for (int r = 0; r < _next.Length; r++, v += n)
            {
                int i = 0;
                while (i < n && (flow[words[i]] & masks[i]) == v[i]) i++;
                if (i == n) return r;
            }
        }

        return -1;
    }

    /// <summary>A bucket holds the best rule of a value, which leads to the others: from the last to the first, each pushes itself in front.</summary>
    private void Chain(bool isHashed)
    {
        int n = _shape.WordCount;
        for (int r = _next.Length - 1; r >= 0; r--)
        {
            _next[r] = -1;
            ReadOnlySpan<ulong> value = _values.AsSpan(r * n, n);
            if (!isHashed)
            {
                for (int other = r + 1; other < _next.Length && _next[r] < 0; other++)
                {
                    if (_values.AsSpan(other * n, n).SequenceEqual(value)) _next[r] = other;
                }

                continue;
            }

            int b = BucketOf(_shape.HashOf(Rules[r]));
            while (_buckets[b] != 0 && !_values.AsSpan((_buckets[b] - 1) * n, n).SequenceEqual(value)) b = (b + 1) & (_buckets.Length - 1);
            _next[r] = _buckets[b] - 1;
            _buckets[b] = r + 1;
        }
    }

    private int BucketOf(ulong hash) => (int)(hash >> _shift);
}
