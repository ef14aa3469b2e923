using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Lookup;

/// <summary>Megaflows with the same mask that have seen the same tables in the same way: what a rule can mean for them is a question of their values alone.</summary>
internal sealed class MegaflowClass
{
    /// <summary>Most indexes; the one that was not used for the longest time goes.</summary>
    private const int MostIndexes = 8;

    /// <summary>Members up to which all are asked.</summary>
    private const int MostUnindexed = 8;

    private readonly List<MegaflowClassIndex> _indexes = [];
    private FlowKey _mask;
    private VisitedTables _visited;
    private Megaflow? _first;
    private long _joins;

    /// <summary>The class that a megaflow belongs to; it is no member yet.</summary>
    public MegaflowClass(Megaflow like) => (_mask, _visited) = (like.Mask, like.Visited);

    /// <summary>Number of members.</summary>
    public int Count { get; private set; }

    /// <summary>Some index does not have all members yet.</summary>
    public bool IsBuilding => _indexes.Exists(static i => !i.IsComplete);

    /// <summary>The megaflow belongs here.</summary>
    public bool Fits(Megaflow m) => FlowKey.Same(ref m.Mask, ref _mask) && m.Visited.IsSame(in _visited);

    /// <summary>One more member.</summary>
    public void Add(Megaflow m)
    {
        m.Class = new ClassPlace { Class = this, Next = _first, Order = ++_joins };
        if (_first is not null) _first.Class.Previous = m;
        _first = m;
        Count++;
        foreach (MegaflowClassIndex index in _indexes) index.Add(m);
    }

    /// <summary>A member goes.</summary>
    public void Remove(Megaflow m)
    {
        foreach (MegaflowClassIndex index in _indexes) index.Remove(m);
        ref ClassPlace place = ref m.Class;
        if (place.Previous is null) _first = place.Next;
        else place.Previous.Class.Next = place.Next;
        if (place.Next is not null) place.Next.Class.Previous = place.Previous;
        place = default;
        Count--;
        if (Count == 0) Dispose();
    }

    /// <summary>
    /// Adds the members that a rule of <paramref name="table"/> may concern: all, unless it wants another value of a bit that is in the mask and was seen by every table as it came. False
    /// if these would be more than <paramref name="most"/>, or if no index says yet which they are.
    /// </summary>
    /// <param name="bridge">Number of the rule's bridge.</param>
    /// <param name="table">Table of the rule.</param>
    /// <param name="mask">Its match; zero = it may concern whatever looked its table up.</param>
    /// <param name="value">Its match.</param>
    /// <param name="most">Most megaflows in <paramref name="found"/>.</param>
    /// <param name="found">Where they go.</param>
    /// <param name="megaflows">Where members are.</param>
    public bool Find(ushort bridge, byte table, ref FlowKey mask, ref FlowKey value, int most, HashSet<Megaflow> found, MegaflowTable megaflows)
    {
        if (!_visited.Has(bridge, table)) return true;
        FlowKey common = Common(ref mask);
        if (Count > MostUnindexed) return IndexOf(ref common, megaflows, most == int.MaxValue).Find(ref value, most, found);
        for (Megaflow? m = _first; m is not null; m = m.Class.Next)
        {
            if (MegaflowClassIndex.Agrees(m, ref common, ref value)) found.Add(m);
        }

        return found.Count <= most;
    }

    /// <summary>A rule of <paramref name="table"/> may concern the member; as in <see cref="Find"/>.</summary>
    public bool MayConcern(ushort bridge, byte table, ref FlowKey mask, ref FlowKey value, Megaflow m)
    {
        if (!_visited.Has(bridge, table)) return false;
        FlowKey common = Common(ref mask);
        return MegaflowClassIndex.Agrees(m, ref common, ref value);
    }

    /// <summary>Adds up to <paramref name="most"/> members to indexes that lack some; returns how many.</summary>
    public int Build(int most)
    {
        int n = 0;
        foreach (MegaflowClassIndex index in _indexes) n += index.Build(most - n);
        return n;
    }

    /// <summary>Lets go of all indexes.</summary>
    public void Dispose()
    {
        foreach (MegaflowClassIndex index in _indexes) index.Dispose();
        _indexes.Clear();
    }

    /// <summary>The bits that say whom a rule does not concern.</summary>
    private FlowKey Common(ref FlowKey mask)
    {
        FlowKey common = default;
        for (int i = 0; i < FlowKey.LaneCount; i++) FlowKey.Lane(ref common, i) = FlowKey.Lane(ref mask, i) & FlowKey.Lane(ref _mask, i) & _visited.OwnMask(i);
        return common;
    }

    private MegaflowClassIndex IndexOf(ref FlowKey bits, MegaflowTable megaflows, bool isNeeded)
    {
        int at = 0;
        while (at < _indexes.Count && !_indexes[at].IsOf(ref bits)) at++;
        MegaflowClassIndex index;
        if (at < _indexes.Count)
        {
            index = _indexes[at];
            _indexes.RemoveAt(at);
        }
        else
        {
            if (_indexes.Count == MostIndexes)
            {
                _indexes[^1].Dispose();
                _indexes.RemoveAt(MostIndexes - 1);
            }

            index = new MegaflowClassIndex(ref bits, _first, megaflows);
        }

        _indexes.Insert(0, index);
        if (isNeeded) index.Build(int.MaxValue);
        return index;
    }
}

/// <summary>A megaflow's place in its class.</summary>
internal struct ClassPlace
{
    public MegaflowClass? Class;

    /// <summary>The member that came before it.</summary>
    public Megaflow? Next;

    /// <summary>The member that came after it.</summary>
    public Megaflow? Previous;

    /// <summary>Number of its coming.</summary>
    public long Order;
}
