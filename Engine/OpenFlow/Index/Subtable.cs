using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>The rules of a table that share one mask (OVS <c>struct cls_subtable</c>): only the words that the mask touches are kept.</summary>
/// <remarks>
/// Immutable, and shared by all pictures of a table in which these rules are the same. The arrays that a lookup reads are made by the first one: rules
/// that are added one by one, with no packet in between, are laid out once. They are pinned, so translators on several threads read them through pointers.
/// </remarks>
internal sealed unsafe class Subtable
{
    private const int LinearLimit = 4;

    private readonly OfRule[] _rules;
    private readonly PipelineWork _work;
    private Layout? _layout;

    /// <summary>Takes the group's rules as they are now; at least one.</summary>
    public Subtable(RuleGroup group, PipelineWork work)
    {
        Group = group;
        _work = work;
        _rules = [.. group.Members];
        First = _rules[0].Precedence;
        for (int w = 0; w < TableIndex.WordCount; w++)
        {
            if (TableIndex.WordOf(in _rules[0].Match.Mask, w) != 0) WordMap |= 1UL << w;
        }
    }

    /// <summary>Sorts by the best rule.</summary>
    public static readonly Comparer<Subtable> ByFirst = Comparer<Subtable>.Create(static (a, b) => a.First.CompareTo(b.First));

    /// <summary>Where the rules come from.</summary>
    public RuleGroup Group { get; }

    /// <summary>Precedence of the best rule.</summary>
    public ulong First { get; }

    /// <summary>Number of rules.</summary>
    public int Count => _rules.Length;

    /// <summary>Rules in order of precedence.</summary>
    public OfRule[] Rules => _rules;

    /// <summary>Bit w: the mask touches word w.</summary>
    public ulong WordMap { get; }

    /// <summary>What lookups read.</summary>
    public Layout Ready
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _layout ?? MakeLayout();
    }

    private Layout MakeLayout()
    {
        _work.RulesIndexed += (ulong)_rules.Length;
        var layout = new Layout(_rules, WordMap);
        Volatile.Write(ref _layout, layout);
        return layout;
    }

    /// <summary>Masks and values side by side, and a hash table of the values.</summary>
    internal sealed class Layout
    {
        private readonly ulong[] _masks;
        private readonly ulong[] _values;
        private readonly int[] _words;
        private readonly ulong[] _precedences;
        private readonly int[] _buckets;
        private readonly int[] _next;
        private readonly int _shift;

        public Layout(OfRule[] rules, ulong wordMap)
        {
            int n = BitOperations.PopCount(wordMap);
            _words = GC.AllocateUninitializedArray<int>(n, pinned: true);
            _masks = GC.AllocateUninitializedArray<ulong>(n, pinned: true);
            int i = 0;
            for (ulong rest = wordMap; rest != 0; rest &= rest - 1, i++)
            {
                _words[i] = BitOperations.TrailingZeroCount(rest);
                _masks[i] = TableIndex.WordOf(in rules[0].Match.Mask, _words[i]);
            }

            _precedences = GC.AllocateUninitializedArray<ulong>(rules.Length, pinned: true);
            _next = GC.AllocateUninitializedArray<int>(rules.Length, pinned: true);
            _values = GC.AllocateUninitializedArray<ulong>(Math.Max(1, rules.Length * n), pinned: true);
            int at = 0;
            for (int r = 0; r < rules.Length; r++)
            {
                _precedences[r] = rules[r].Precedence;
                HasPlain |= rules[r].Conjunctions.Length == 0;
                foreach (int w in _words) _values[at++] = TableIndex.WordOf(in rules[r].Match.Value, w);
            }

            bool isHashed = rules.Length > LinearLimit;
            int buckets = isHashed ? (int)BitOperations.RoundUpToPowerOf2((uint)rules.Length * 2) : 1;
            _shift = 64 - BitOperations.Log2((uint)buckets);
            _buckets = GC.AllocateArray<int>(buckets, pinned: true);
            Chain(isHashed);
        }

        /// <summary>Some rule is no clause of a conjunctive match.</summary>
        public bool HasPlain { get; }

        /// <summary>Number of words the mask touches.</summary>
        public int WordCount => _words.Length;

        /// <summary>The touched words' indexes.</summary>
        public int* Words => Address(_words);

        /// <summary>The mask's touched words.</summary>
        public ulong* Masks => Address(_masks);

        /// <summary>Values, <see cref="WordCount"/> per rule.</summary>
        public ulong* Values => Address(_values);

        /// <summary>Precedences of the rules, ascending.</summary>
        public ulong* Precedences => Address(_precedences);

        /// <summary>The next rule with the same value, or -1.</summary>
        public int Next(int rule) => _next[rule];

        /// <summary>The best rule that <paramref name="flow"/> matches, or -1.</summary>
        public int Find(ulong* flow)
        {
            int n = _words.Length;
            int* words = Words;
            ulong* masks = Masks;
            ulong* values = Values;
            if (_buckets.Length == 1)
            {
                for (int r = 0; r < _next.Length; r++, values += n)
                {
                    int i = 0;
                    while (i < n && (flow[words[i]] & masks[i]) == values[i]) i++;
                    if (i == n) return r;
                }

                return -1;
            }

            ulong hash = 0;
            for (int i = 0; i < n; i++) hash = Mix(hash, flow[words[i]] & masks[i]);
            int* buckets = Address(_buckets);
            int last = _buckets.Length - 1;
            for (int b = (int)(Finish(hash) >> _shift); buckets[b] != 0; b = (b + 1) & last)
            {
                int r = buckets[b] - 1;
                ulong* v = values + ((long)r * n);
                int i = 0;
                while (i < n && (flow[words[i]] & masks[i]) == v[i]) i++;
                if (i == n) return r;
            }

            return -1;
        }

        /// <summary>A bucket holds the best rule of a value, which leads to the others: from the last to the first, each pushes itself in front.</summary>
        private void Chain(bool isHashed)
        {
            int n = _words.Length;
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

                ulong hash = 0;
                foreach (ulong word in value) hash = Mix(hash, word);
                int b = (int)(Finish(hash) >> _shift);
                while (_buckets[b] != 0 && !_values.AsSpan((_buckets[b] - 1) * n, n).SequenceEqual(value)) b = (b + 1) & (_buckets.Length - 1);
                _next[r] = _buckets[b] - 1;
                _buckets[b] = r + 1;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static ulong Mix(ulong hash, ulong word) => (BitOperations.RotateLeft(hash, 5) ^ word) * 0x9E37_79B9_7F4A_7C15;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static ulong Finish(ulong hash) => (hash ^ (hash >> 32)) * 0x9E37_79B9_7F4A_7C15;

        private static T* Address<T>(T[] pinned)
            where T : unmanaged
            => (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned));
    }
}
