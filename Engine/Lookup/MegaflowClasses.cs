using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Lookup;

/// <summary>Finds the megaflows that a changed rule may concern without a look at the others. For the thread that owns the megaflows.</summary>
/// <remarks>
/// Megaflows fall into few classes (<see cref="MegaflowClass"/>), and for each the rules of one mask ask for the same bits of the value: the first of them has an index made over these bits, and all
/// others find what they concern by one probe per class.
/// </remarks>
internal sealed class MegaflowClasses(MegaflowTable megaflows) : IDisposable
{
    private readonly Dictionary<int, List<MegaflowClass>> _byHash = [];
    private readonly List<MegaflowClass> _classes = [];
    private MegaflowClass? _latest;

    /// <summary>Number of classes.</summary>
    public int Count => _classes.Count;

    /// <summary>Some index does not have all its megaflows yet.</summary>
    public bool IsBuilding { get; private set; }

    /// <summary>A new megaflow, or one that has a new way through the tables.</summary>
    public void Add(Megaflow m)
    {
        if (_latest?.Fits(m) != true) _latest = ClassOf(m);
        _latest.Add(m);
    }

    /// <summary>The megaflow goes, or its way through the tables is about to change.</summary>
    public void Remove(Megaflow m)
    {
        if (m.Class.Class is not { } c) return;
        c.Remove(m);
        if (c.Count > 0) return;
        if (_latest == c) _latest = null;
        _classes.Remove(c);
        int hash = HashOf(m);
        List<MegaflowClass> same = _byHash[hash];
        same.Remove(c);
        if (same.Count == 0) _byHash.Remove(hash);
    }

    /// <inheritdoc cref="MegaflowClass.Find"/>
    public bool Find(ushort bridge, byte table, ref FlowKey mask, ref FlowKey value, int most, HashSet<Megaflow> found)
    {
        foreach (MegaflowClass c in _classes)
        {
            if (c.Find(bridge, table, ref mask, ref value, most, found, megaflows)) continue;
            IsBuilding = true;
            return false;
        }

        return true;
    }

    /// <summary>Goes on with indexes that are not complete, up to <paramref name="most"/> megaflows; returns how many.</summary>
    public int Build(int most)
    {
        int n = 0;
        if (!IsBuilding) return 0;
        foreach (MegaflowClass c in _classes)
        {
            if (c.IsBuilding) n += c.Build(most - n);
            if (n >= most) return n;
        }

        IsBuilding = false;
        return n;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (MegaflowClass c in _classes) c.Dispose();
    }

    private MegaflowClass ClassOf(Megaflow m)
    {
        ref List<MegaflowClass>? same = ref CollectionsMarshal.GetValueRefOrAddDefault(_byHash, HashOf(m), out _);
        same ??= [];
        foreach (MegaflowClass c in same)
        {
            if (c.Fits(m)) return c;
        }

        MegaflowClass added = new(m);
        same.Add(added);
        _classes.Add(added);
        return added;
    }

    private static int HashOf(Megaflow m)
    {
        HashCode hash = default;
        hash.AddBytes(m.Mask.Bytes);
        m.Visited.AddTo(ref hash);
        return hash.ToHashCode();
    }
}
