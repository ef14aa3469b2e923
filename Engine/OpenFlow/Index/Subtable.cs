using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>The rules of a table that share one mask (OVS <c>struct cls_subtable</c>): only the words that the mask touches are kept.</summary>
/// <remarks>
/// Immutable, and shared by all pictures of a table in which these rules are the same. The arrays of a small one are made by the first lookup: rules that are added one by one, with no packet
/// in between, are laid out once. A large one is a tree by the bits of the values (<see cref="SubtableNode"/>); the next picture of it shares all of it but what is above a change.
/// </remarks>
internal sealed unsafe class Subtable
{
    /// <summary>Rules from which on a subtable is a tree.</summary>
    public const int TreeRules = 64;

    private readonly PipelineWork _work;
    private readonly OfRule[] _small = [];
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
        if (Count <= TreeRules) _small = [.. group.Members];
        else if (before?.Tree is { } tree && group.Touched.Count <= Count / 2) Tree = tree.Changed(Shape, CollectionsMarshal.AsSpan(group.Touched), group.Members, work);
        else Tree = SubtableNode.Of(Shape, group.Members.ToArray(), work);
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

    /// <summary>A large one's rules; null = it is small.</summary>
    public SubtableNode? Tree { get; }

    /// <summary>All rules, in no order.</summary>
    public IEnumerable<OfRule> Rules => Tree?.All ?? _small;

    /// <summary>Some rule is no clause of a conjunctive match.</summary>
    public bool HasPlain => Tree?.HasPlain ?? Whole.HasPlain;

    /// <summary>A small one's rules.</summary>
    public SubtableLayout Whole
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if (_whole is null) Prepare();
            return _whole!;
        }
    }

    /// <summary>The best rule that <paramref name="flow"/> matches.</summary>
    public RulePlace Find(ulong* flow)
    {
        SubtableLayout rules = Tree?.LeafOf(Shape, flow) ?? Whole;
        int found = rules.Find(flow);
        return found < 0 ? default : new RulePlace(rules, found);
    }

    /// <summary>Makes what lookups read, so that none has to.</summary>
    public void Prepare()
    {
        if (Tree is not null || _whole is not null) return;
        _work.RulesIndexed += (ulong)Count;
        Volatile.Write(ref _whole, new SubtableLayout(Shape, _small));
    }
}
