using System.Numerics;
using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>The rules of a table that share one mask (OVS <c>struct cls_subtable</c>): only the words that the mask touches are kept.</summary>
/// <remarks>
/// Immutable, and shared by all pictures of a table in which these rules are the same. The arrays of a small one are made by the first lookup: rules that are added one by one, with no packet
/// in between, are laid out once. A large one consists of pieces by the first bits of the values' hashes; the next picture of it has all of them but those that a change touches.
/// </remarks>
internal sealed unsafe class Subtable
{
    /// <summary>Rules from which on a subtable is in pieces.</summary>
    public const int PiecewiseRules = 64;

    private const int RulesPerPiece = 32;

    /// <summary>A rule's place is that in its piece, and the piece above these bits.</summary>
    private const int PlaceBits = 16;

    private const int MostPieceBits = 31 - PlaceBits;

    /// <summary>Pieces stand in blocks, so that a change copies few references.</summary>
    private const int BlockPieces = 64;

    private static readonly Comparer<OfRule> s_byPrecedence = Comparer<OfRule>.Create(static (a, b) => a.Precedence.CompareTo(b.Precedence));

    private readonly PipelineWork _work;
    private readonly OfRule[] _small = [];
    private readonly SubtableLayout[][] _pieces = [];
    private readonly int _pieceBits;
    private SubtableLayout? _whole;

    /// <summary>Takes the group's rules as they are now; at least one.</summary>
    public Subtable(RuleGroup group, PipelineWork work)
    {
        Group = group;
        _work = work;
        First = group.Members.First.Precedence;
        Head = group.Members.First;
        Count = group.Members.Count;
        Subtable? before = group.Latest;
        Shape = before?.Shape ?? new SubtableShape(group.Like);
        if (Count <= PiecewiseRules)
        {
            _small = [.. group.Members];
            return;
        }

        bool goesOn = before is not null && before.IsPiecewise && group.Touched.Count <= Count / 2 && Count >> before._pieceBits is >= RulesPerPiece / 4 and <= RulesPerPiece * 2;
        _pieceBits = goesOn ? before!._pieceBits : Math.Min(MostPieceBits, BitOperations.Log2((uint)Count / RulesPerPiece) + 1);
        _pieces = goesOn ? Changed(before!._pieces, group) : Cut(group);
    }

    /// <summary>Sorts by the best rule.</summary>
    public static readonly Comparer<Subtable> ByFirst = Comparer<Subtable>.Create(static (a, b) => a.First.CompareTo(b.First));

    /// <summary>Where the rules come from.</summary>
    public RuleGroup Group { get; }

    /// <summary>The mask.</summary>
    public SubtableShape Shape { get; }

    /// <summary>Precedence of the best rule.</summary>
    public ulong First { get; }

    /// <summary>The best rule.</summary>
    public OfRule Head { get; }

    /// <summary>Number of rules.</summary>
    public int Count { get; }

    /// <summary>All rules, in no order.</summary>
    public IEnumerable<OfRule> Rules => IsPiecewise ? _pieces.SelectMany(static b => b).SelectMany(static p => p.Rules) : _small;

    /// <summary>Blocks of the parts that a search of all rules goes through.</summary>
    public int BlockCount => Math.Max(1, _pieces.Length);

    /// <summary>Some rule is no clause of a conjunctive match.</summary>
    public bool HasPlain
    {
        get
        {
            for (int block = 0; block < BlockCount; block++)
            {
                foreach (SubtableLayout piece in Block(block))
                {
                    if (piece.HasPlain) return true;
                }
            }

            return false;
        }
    }

    private bool IsPiecewise => _pieces.Length > 0;

    private ref readonly SubtableLayout Whole
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if (_whole is null) Prepare();
            return ref _whole!;
        }
    }

    /// <summary>The parts of a block.</summary>
    public ReadOnlySpan<SubtableLayout> Block(int block) => IsPiecewise ? _pieces[block] : new ReadOnlySpan<SubtableLayout>(in Whole);

    /// <summary>The place of the best rule that <paramref name="flow"/> matches, or -1.</summary>
    public int Find(ulong* flow)
    {
        if (!IsPiecewise) return Whole.Find(flow);
        ulong hash = Shape.HashOf(flow);
        int piece = PieceOf(hash), found = PieceAt(piece).Find(flow, hash);
        return found < 0 ? -1 : (piece << PlaceBits) | found;
    }

    /// <summary>The place of the next rule with the same value, or -1.</summary>
    public int Next(int place)
    {
        int next = At(place).Next(place & ((1 << PlaceBits) - 1));
        return next < 0 ? -1 : (place & -(1 << PlaceBits)) | next;
    }

    /// <summary>The rule in a place.</summary>
    public OfRule this[int place] => At(place).Rules[place & ((1 << PlaceBits) - 1)];

    /// <summary>Makes what lookups read, so that none has to.</summary>
    public void Prepare()
    {
        if (IsPiecewise || _whole is not null) return;
        _work.RulesIndexed += (ulong)Count;
        Volatile.Write(ref _whole, new SubtableLayout(Shape, _small, pieceBits: 0));
    }

    private SubtableLayout At(int place) => IsPiecewise ? PieceAt(place >> PlaceBits) : Whole;

    private SubtableLayout PieceAt(int piece) => _pieces[piece / BlockPieces][piece % BlockPieces];

    private int PieceOf(ulong hash) => (int)(hash >> (64 - _pieceBits));

    /// <summary>The pieces of the picture before, but for those in which something has changed.</summary>
    private SubtableLayout[][] Changed(SubtableLayout[][] before, RuleGroup group)
    {
        var pieces = (SubtableLayout[][])before.Clone();
        foreach (IGrouping<int, ulong> touched in group.Touched.GroupBy(r => PieceOf(Shape.HashOf(r)), static r => r.Precedence))
        {
            (int block, int at) = (touched.Key / BlockPieces, touched.Key % BlockPieces);
            if (pieces[block] == before[block]) pieces[block] = [.. before[block]];
            HashSet<ulong> precedences = [.. touched];
            pieces[block][at] = Piece([.. before[block][at].Rules.Where(r => !precedences.Contains(r.Precedence)), .. precedences.Select(group.Members.Find).OfType<OfRule>()]);
        }

        return pieces;
    }

    private SubtableLayout[][] Cut(RuleGroup group)
    {
        var rules = new List<OfRule>[1 << _pieceBits];
        foreach (OfRule rule in group.Members) (rules[PieceOf(Shape.HashOf(rule))] ??= []).Add(rule);
        return [.. rules.Select(r => Piece(r is null ? [] : [.. r])).Chunk(BlockPieces)];
    }

    private SubtableLayout Piece(OfRule[] rules)
    {
        _work.RulesIndexed += (ulong)rules.Length;
        Array.Sort(rules, s_byPrecedence);
        return new SubtableLayout(Shape, rules, _pieceBits);
    }
}
