using System.Numerics;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// A part of a large <see cref="Subtable"/>: a few rules, or a bit of the mask by whose value the rules below fall into two parts. A search for one value goes one way; a search for what
/// rules out all others asks for the bits on that way, as many as it takes to leave few (OVS <c>trie_lookup_value</c>).
/// </summary>
/// <remarks>Immutable: a change makes the nodes above it anew and shares the others. The bit is the first, in wire order, in which the rules below differ.</remarks>
internal sealed unsafe class SubtableNode
{
    /// <summary>Positions of a word.</summary>
    public const int BitsOfWord = 64;

    /// <summary>Rules from which on a node is divided.</summary>
    private const int MostRules = 16;

    /// <summary>Rules up to which two nodes become one.</summary>
    private const int FewRules = 6;

    private static readonly Comparer<OfRule> s_byPrecedence = Comparer<OfRule>.Create(static (a, b) => a.Precedence.CompareTo(b.Precedence));

    private SubtableNode(SubtableLayout rules)
    {
        Rules = rules;
        Count = rules.Rules.Length;
        First = Count == 0 ? ulong.MaxValue : rules.Precedences[0];
        HasPlain = rules.HasPlain;
        Like = Count == 0 ? null : rules.Rules[0];
    }

    private SubtableNode(int position, SubtableNode zeros, SubtableNode ones)
    {
        (Position, Zeros, Ones, Like) = (position, zeros, ones, zeros.Like);
        Count = zeros.Count + ones.Count;
        First = Math.Min(zeros.First, ones.First);
        HasPlain = zeros.HasPlain || ones.HasPlain;
    }

    /// <summary>The rules; null = it is divided.</summary>
    public SubtableLayout? Rules { get; }

    /// <summary>Number of rules below.</summary>
    public int Count { get; }

    /// <summary>Precedence of the best rule below.</summary>
    public ulong First { get; }

    /// <summary>Some rule is no clause of a conjunctive match.</summary>
    public bool HasPlain { get; }

    /// <summary>One of the rules below: they all have its value in the bits in front of <see cref="Position"/>.</summary>
    public OfRule? Like { get; }

    /// <summary>What divides it: a bit of the mask's words in wire order, see <see cref="Bit"/>.</summary>
    public int Position { get; }

    /// <summary>The word of <see cref="Bit"/>, by its place in <see cref="SubtableShape.Words"/>.</summary>
    public int Word => Position / BitsOfWord;

    /// <summary>What divides it: in wire order the lowest byte comes first, and in it the most significant bit.</summary>
    public ulong Bit => BitOf(Position);

    /// <summary>Rules whose bit is 0.</summary>
    public SubtableNode? Zeros { get; }

    /// <summary>Rules whose bit is 1.</summary>
    public SubtableNode? Ones { get; }

    /// <summary>All rules below, in no order.</summary>
    public IEnumerable<OfRule> All => Rules is { } rules ? rules.Rules : Zeros!.All.Concat(Ones!.All);

    /// <summary>A tree of these rules, which are put in another order.</summary>
    public static SubtableNode Of(SubtableShape shape, Span<OfRule> rules, PipelineWork work)
    {
        int position = rules.Length > MostRules ? FirstDifference(shape, rules[0], rules) : int.MaxValue;
        if (position == int.MaxValue) return Leaf(shape, rules.ToArray(), work);
        int zeros = Divide(shape, position, rules);
        return new SubtableNode(position, Of(shape, rules[..zeros], work), Of(shape, rules[zeros..], work));
    }

    /// <summary>The tree behind a change of the rules <paramref name="touched"/>, which are put in another order: those of them that <paramref name="members"/> still has are in it, or what is in their place.</summary>
    public SubtableNode Changed(SubtableShape shape, Span<OfRule> touched, PrecedenceList members, PipelineWork work)
    {
        if (touched.Length == 0) return this;
        if (Rules is { } rules) return Of(shape, Merged(rules.Rules, touched, members), work);
        int first = FirstDifference(shape, Like!, touched);
        if (first < Position) return ChangedAbove(first, shape, touched, members, work);
        int zeros = Divide(shape, Position, touched);
        return Joined(Position, Zeros!.Changed(shape, touched[..zeros], members, work), Ones!.Changed(shape, touched[zeros..], members, work), shape, work);
    }

    /// <summary>The half in which values agree with the bits of <paramref name="want"/>, which are those of the mask's words.</summary>
    public SubtableNode Side(ulong* want) => (want[Word] & Bit) == 0 ? Zeros! : Ones!;

    /// <summary>
    /// Whether the bits that all rules below have in common are others than those of <paramref name="want"/>: one such bit rules them all out. One that is known comes first.
    /// </summary>
    /// <param name="shape">The mask.</param>
    /// <param name="want">A flow's bits of the mask's words.</param>
    /// <param name="known">The bits that are known.</param>
    /// <param name="position">Such a bit.</param>
    public bool IsElsewhere(SubtableShape shape, ulong* want, ulong* known, out int position)
    {
        position = -1;
        for (int i = 0; i <= Word; i++)
        {
            ulong differs = want[i] ^ TableIndex.WordOf(in Like!.Match.Value, shape.Words[i]);
            if (i == Word) differs &= InFront;
            if (differs == 0) continue;
            ulong free = differs & known[i];
            if (free == 0 && position >= 0) continue;
            position = PositionOf(i, free == 0 ? differs : free);
            if (free != 0) break;
        }

        return position >= 0;
    }

    /// <summary>The bits of the word in front of <see cref="Bit"/> in wire order.</summary>
    private ulong InFront
    {
        get
        {
            int lowestByte = Position & (BitsOfWord - 8);
            return ((1UL << lowestByte) - 1) | ((ulong)(byte)(0xff00 >> (Position & 7)) << lowestByte);
        }
    }

    /// <summary>The rules that a flow could match: a leaf.</summary>
    public SubtableLayout LeafOf(SubtableShape shape, ulong* flow)
    {
        SubtableNode node = this;
        while (node.Rules is null) node = (flow[shape.Words[node.Word]] & node.Bit) == 0 ? node.Zeros! : node.Ones!;
        return node.Rules;
    }

    private static SubtableNode Leaf(SubtableShape shape, OfRule[] rules, PipelineWork work)
    {
        work.RulesIndexed += (ulong)rules.Length;
        Array.Sort(rules, s_byPrecedence);
        return new SubtableNode(new SubtableLayout(shape, rules));
    }

    /// <summary>Some new rule differs in a bit in which all so far agree.</summary>
    private SubtableNode ChangedAbove(int position, SubtableShape shape, Span<OfRule> touched, PrecedenceList members, PipelineWork work)
    {
        int zeros = Divide(shape, position, touched);
        bool isZero = (TableIndex.WordOf(in Like!.Match.Value, shape.Words[position / BitsOfWord]) & BitOf(position)) == 0;
        SubtableNode with = Changed(shape, isZero ? touched[..zeros] : touched[zeros..], members, work);
        SubtableNode other = Of(shape, Merged([], isZero ? touched[zeros..] : touched[..zeros], members), work);
        return Joined(position, isZero ? with : other, isZero ? other : with, shape, work);
    }

    private static SubtableNode Joined(int position, SubtableNode zeros, SubtableNode ones, SubtableShape shape, PipelineWork work)
    {
        if (zeros.Count == 0) return ones;
        if (ones.Count == 0) return zeros;
        return zeros.Count + ones.Count <= FewRules ? Leaf(shape, [.. zeros.All, .. ones.All], work) : new SubtableNode(position, zeros, ones);
    }

    /// <summary>The first bit, by its position, in which some rule differs from another one; <see cref="int.MaxValue"/> = there is none.</summary>
    private static int FirstDifference(SubtableShape shape, OfRule from, ReadOnlySpan<OfRule> rules)
    {
        for (int i = 0; i < shape.WordCount; i++)
        {
            ulong first = TableIndex.WordOf(in from.Match.Value, shape.Words[i]), differs = 0;
            foreach (OfRule rule in rules) differs |= TableIndex.WordOf(in rule.Match.Value, shape.Words[i]) ^ first;
            if (differs != 0) return PositionOf(i, differs);
        }

        return int.MaxValue;
    }

    private static int PositionOf(int word, ulong bits)
    {
        int lowestByte = BitOperations.TrailingZeroCount(bits) & ~7;
        return (word * BitsOfWord) + lowestByte + 7 - BitOperations.Log2((uint)(byte)(bits >> lowestByte));
    }

    /// <summary>The bit of a position in its word.</summary>
    public static ulong BitOf(int position) => 1UL << ((position & (BitsOfWord - 8)) + 7 - (position & 7));

    /// <summary>Puts the rules whose bit is 0 in front; returns how many.</summary>
    private static int Divide(SubtableShape shape, int position, Span<OfRule> rules)
    {
        (int w, ulong bit, int zeros) = (shape.Words[position / BitsOfWord], BitOf(position), 0);
        for (int i = 0; i < rules.Length; i++)
        {
            if ((TableIndex.WordOf(in rules[i].Match.Value, w) & bit) != 0) continue;
            (rules[zeros], rules[i]) = (rules[i], rules[zeros]);
            zeros++;
        }

        return zeros;
    }

    private static OfRule[] Merged(OfRule[] before, ReadOnlySpan<OfRule> touched, PrecedenceList members)
    {
        List<OfRule> rules = new(before.Length + touched.Length);
        HashSet<ulong>? many = touched.Length > MostRules ? [.. touched.ToArray().Select(static r => r.Precedence)] : null;
        foreach (OfRule rule in before)
        {
            if (!Has(touched, many, rule.Precedence)) rules.Add(rule);
        }

        for (int i = 0; i < touched.Length; i++)
        {
            ulong precedence = touched[i].Precedence;
            bool isFirst = many?.Remove(precedence) ?? !Has(touched[..i], null, precedence);
            if (isFirst && members.Find(precedence) is { } rule) rules.Add(rule);
        }

        return [.. rules];
    }

    private static bool Has(ReadOnlySpan<OfRule> rules, HashSet<ulong>? precedences, ulong precedence)
    {
        if (precedences is not null) return precedences.Contains(precedence);
        foreach (OfRule rule in rules)
        {
            if (rule.Precedence == precedence) return true;
        }

        return false;
    }
}
