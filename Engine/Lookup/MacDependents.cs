using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Lookup;

/// <summary>
/// Which megaflows depend on which learned addresses, so that a change of one address needs a look at those alone. Everything costs the same for any
/// number of megaflows.
/// </summary>
/// <remarks>
/// A megaflow stands in one list per address that its translation asked for, and knows its place there. Lists of changed addresses wait to be looked at as
/// they are; a megaflow that has been looked at stands in a new list of the address, and is queued again only if the address changes again.
/// </remarks>
internal sealed class MacDependents
{
    /// <summary>Lists that are kept, and their longest.</summary>
    private const int MostSpare = 4_096, MostMembers = 16;

    private readonly Dictionary<MacKey, Dependents> _byAddress = [];
    private readonly List<Dependents> _waiting = [];

    /// <summary>Lists that are empty, for other addresses.</summary>
    private readonly Stack<Dependents> _spare = new();

    /// <summary>Some megaflow has to be looked at.</summary>
    public bool IsAnyWaiting
    {
        get
        {
            while (_waiting.Count > 0 && _waiting[^1].Members.Count == 0)
            {
                Spare(_waiting[^1]);
                _waiting.RemoveAt(_waiting.Count - 1);
            }

            return _waiting.Count > 0;
        }
    }

    /// <summary>Says which addresses the megaflow depends on now.</summary>
    public void Set(Megaflow m, List<MacKey> asked)
    {
        if (!m.HasMacPlaces && asked.Count == 0) return;
        if (IsSame(m, asked)) return;
        Remove(m);
        if (asked.Count == 0) return;
        if (m.MacPlaces.Length != asked.Count) m.MacPlaces = new MacPlace[asked.Count];
        for (int i = 0; i < asked.Count; i++)
        {
            if (!_byAddress.TryGetValue(asked[i], out Dependents? list)) _byAddress.Add(asked[i], list = ListOf(asked[i]));
            m.MacPlaces[i] = new MacPlace { List = list, Index = list.Members.Count };
            list.Members.Add((m, i));
        }

        m.HasMacPlaces = true;
    }

    /// <summary>Forgets a megaflow.</summary>
    public void Remove(Megaflow m)
    {
        if (!m.HasMacPlaces) return;
        foreach (MacPlace place in m.MacPlaces)
        {
            List<(Megaflow Megaflow, int Place)> members = place.List.Members;
            (Megaflow last, int at) = members[^1];
            members[place.Index] = (last, at);
            last.MacPlaces[at].Index = place.Index;
            members.RemoveAt(members.Count - 1);
            if (members.Count > 0 || place.List.IsWaiting) continue;
            _byAddress.Remove(place.List.Key);
            Spare(place.List);
        }

        m.HasMacPlaces = false;
    }

    /// <summary>An address has changed.</summary>
    public void Changed(MacKey key)
    {
        if (!_byAddress.Remove(key, out Dependents? list)) return;
        list.IsWaiting = true;
        _waiting.Add(list);
    }

    /// <summary>The next megaflow to look at, which is forgotten until <see cref="Set"/>; null = there is none.</summary>
    public Megaflow? Next()
    {
        if (!IsAnyWaiting) return null;
        Megaflow m = _waiting[^1].Members[^1].Megaflow;
        Remove(m);
        return m;
    }

    private static bool IsSame(Megaflow m, List<MacKey> asked)
    {
        if (!m.HasMacPlaces || m.MacPlaces.Length != asked.Count) return false;
        for (int i = 0; i < asked.Count; i++)
        {
            if (m.MacPlaces[i].List.IsWaiting || m.MacPlaces[i].List.Key != asked[i]) return false;
        }

        return true;
    }

    private Dependents ListOf(MacKey key)
    {
        Dependents list = _spare.TryPop(out Dependents? spare) ? spare : new Dependents();
        (list.Key, list.IsWaiting) = (key, false);
        return list;
    }

    private void Spare(Dependents list)
    {
        if (_spare.Count < MostSpare && list.Members.Capacity <= MostMembers) _spare.Push(list);
    }

    /// <summary>The megaflows that depend on one address.</summary>
    internal sealed class Dependents
    {
        public MacKey Key { get; set; }

        public List<(Megaflow Megaflow, int Place)> Members { get; } = [];

        /// <summary>The address has changed: these have to be looked at.</summary>
        public bool IsWaiting { get; set; }
    }

    /// <summary>Where a megaflow stands.</summary>
    internal struct MacPlace
    {
        public Dependents List;

        public int Index;
    }
}
