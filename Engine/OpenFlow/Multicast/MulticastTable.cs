using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Which ports are in which multicast groups, and behind which there are routers, by VLAN (OVS lib/mcast-snooping.c).</summary>
/// <remarks>
/// A change is told as one of an address (<see cref="MacTable.Touch"/>), by the key that a translation has asked with: only megaflows that depend on it look again. Groups that share the Ethernet address share the key.
/// </remarks>
/// <param name="addresses">Is told what has changed.</param>
internal sealed partial class MulticastTable(MacTable addresses)
{
    /// <summary>Seconds without a question after which no router is behind a port (OVS <c>MCAST_MROUTER_PORT_IDLE_TIME</c>).</summary>
    public const int RouterAgingSeconds = 180;

    private readonly Lock _lock = new();
    private readonly Dictionary<(UInt128 Address, ushort Vid), Group> _groups = [];
    private readonly LinkedList<Group> _byAge = [];
    private readonly LinkedList<Router> _routers = [];
    private readonly Dictionary<(ushort Vid, uint Port), LinkedListNode<Router>> _routerOf = [];
    private MulticastPlan? _plan;

    /// <summary>What translations ask with before they go by the ports of a group.</summary>
    public static MacKey KeyOf(UInt128 group, ushort vid)
        => new(IsIpv4(group) ? 0x0100_5e00_0000 | ((ulong)group & 0x7f_ffff) : 0x3333_0000_0000UL | (uint)group, vid);

    /// <summary>What translations ask with before they go by the routers of a VLAN.</summary>
    public static MacKey KeyOfRouters(ushort vid) => new(0xffff_ffff_ffff, vid);

    /// <summary>An address of IPv4 among those of IPv6.</summary>
    public static UInt128 Mapped(uint ipv4) => ((UInt128)0xffff << 32) | ipv4;

    /// <summary>Settings from now on; null = nothing is known, and nothing is learned.</summary>
    public void Configure(MulticastPlan? plan)
    {
        lock (_lock)
        {
            _plan = plan;
            if (plan is null) Clear();
        }
    }

    /// <summary>A port asks for a group (OVS <c>mcast_snooping_add_group</c>).</summary>
    public void Join(UInt128 group, ushort vid, uint port, long nowMs)
    {
        lock (_lock)
        {
            // Who gets everything of the VLAN needs no group.
            if (_plan is not { } plan || plan.FloodPorts.Contains(port) || _routerOf.ContainsKey((vid, port))) return;
            if (!_groups.TryGetValue((group, vid), out Group? found))
            {
                if (_groups.Count >= plan.Capacity) Remove(_byAge.First!.Value);
                _groups.Add((group, vid), found = new Group(group, vid));
                addresses.Touch(found.Key);
            }
            else
            {
                _byAge.Remove(found.Place);
            }

            if (!found.TakeOut(port)) addresses.Touch(found.Key);
            found.Members.Add((port, nowMs / 1000));
            _byAge.AddLast(found.Place);
        }
    }

    /// <summary>A port does not want a group any more, unless others may be behind it (OVS <c>mcast_snooping_leave_group</c>). Without members it stays known until it has aged: its packets are not flooded.</summary>
    public void Leave(UInt128 group, ushort vid, uint port)
    {
        lock (_lock)
        {
            if (_plan is not { } plan || plan.ReportPorts.Contains(port) || !_groups.TryGetValue((group, vid), out Group? found)) return;
            if (found.TakeOut(port)) addresses.Touch(found.Key);
        }
    }

    /// <summary>A router is behind a port (OVS <c>mcast_snooping_add_mrouter</c>).</summary>
    public void AddRouter(ushort vid, uint port, long nowMs)
    {
        lock (_lock)
        {
            if (_plan is not { } plan || plan.FloodPorts.Contains(port)) return;
            if (_routerOf.Remove((vid, port), out LinkedListNode<Router>? known)) _routers.Remove(known);
            else addresses.Touch(KeyOfRouters(vid));
            _routerOf.Add((vid, port), _routers.AddLast(new Router(vid, port, nowMs / 1000)));
        }
    }

    /// <summary>Adds the ports of a group; false if nobody has asked for it.</summary>
    public bool TryFind(UInt128 group, ushort vid, List<uint> into)
    {
        lock (_lock)
        {
            if (!_groups.TryGetValue((group, vid), out Group? found)) return false;
            foreach ((uint port, _) in found.Members) into.Add(port);
            return true;
        }
    }

    /// <summary>Adds the ports behind which routers of a VLAN are; how many are known of other VLANs.</summary>
    public int FindRouters(ushort vid, List<uint> into)
    {
        lock (_lock)
        {
            int others = 0;
            for (LinkedListNode<Router>? r = _routers.First; r is not null; r = r.Next)
            {
                if (r.Value.Vid == vid) into.Add(r.Value.Port);
                else others++;
            }

            return others;
        }
    }

    /// <summary>Forgets what has not been asked for too long; true if that was anything (OVS <c>mcast_snooping_run</c>).</summary>
    public bool Expire(long nowMs)
    {
        lock (_lock)
        {
            if (_plan is not { } plan) return false;
            long nowSeconds = nowMs / 1000;
            bool any = false;
            while (_byAge.First?.Value is { } oldest)
            {
                if (_groups.Count > plan.Capacity)
                {
                    Remove(oldest);
                    any = true;
                    continue;
                }

                // Members are in the order in which they have asked.
                int aged = 0;
                while (aged < oldest.Members.Count && nowSeconds - oldest.Members[aged].AskedSeconds >= plan.AgingSeconds) aged++;
                if (aged == oldest.Members.Count)
                {
                    Remove(oldest);
                    any = true;
                    continue;
                }

                if (aged == 0) break;
                any = true;
                oldest.Members.RemoveRange(0, aged);
                addresses.Touch(oldest.Key);
            }

            while (_routers.First is { } router && nowSeconds - router.Value.AskedSeconds >= RouterAgingSeconds)
            {
                Remove(router);
                any = true;
            }

            return any;
        }
    }

    /// <summary>Forgets what was learned at a port.</summary>
    public void Forget(uint port)
    {
        lock (_lock)
        {
            for (LinkedListNode<Group>? g = _byAge.First, next; g is not null; g = next)
            {
                next = g.Next;
                if (!g.Value.TakeOut(port)) continue;
                addresses.Touch(g.Value.Key);
                if (g.Value.Members.Count == 0) Remove(g.Value);
            }

            for (LinkedListNode<Router>? r = _routers.First, next; r is not null; r = next)
            {
                next = r.Next;
                if (r.Value.Port == port) Remove(r);
            }
        }
    }

    /// <summary>Forgets all groups and routers.</summary>
    public void Flush()
    {
        lock (_lock) Clear();
    }

    /// <summary>All ports of all groups, least recently asked for first.</summary>
    public IReadOnlyList<MulticastMember> Members(long nowMs)
    {
        lock (_lock) return [.. _byAge.SelectMany(g => g.Members.Select(m => new MulticastMember(Ipv6Address.FromUInt128(g.Address), g.Vid, m.Port, (nowMs / 1000) - m.AskedSeconds)))];
    }

    /// <summary>All routers, least recently heard first.</summary>
    public IReadOnlyList<MulticastRouter> Routers(long nowMs)
    {
        lock (_lock) return [.. _routers.Select(r => new MulticastRouter(r.Vid, r.Port, (nowMs / 1000) - r.AskedSeconds))];
    }

    private static bool IsIpv4(UInt128 address) => address >> 32 == 0xffff;

    private void Clear()
    {
        while (_byAge.First is { } group) Remove(group.Value);
        while (_routers.First is { } router) Remove(router);
    }

    private void Remove(Group group)
    {
        _byAge.Remove(group.Place);
        _groups.Remove((group.Address, group.Vid));
        addresses.Touch(group.Key);
    }

    private void Remove(LinkedListNode<Router> router)
    {
        _routers.Remove(router);
        _routerOf.Remove((router.Value.Vid, router.Value.Port));
        addresses.Touch(KeyOfRouters(router.Value.Vid));
    }

    private sealed partial class Group
    {
        public Group(UInt128 address, ushort vid) => (Address, Vid, Key, Place) = (address, vid, KeyOf(address, vid), new LinkedListNode<Group>(this));

        public UInt128 Address { get; }

        public ushort Vid { get; }

        public MacKey Key { get; }

        /// <summary>Among all groups: one report may ask for thousands, so none is searched for.</summary>
        public LinkedListNode<Group> Place { get; }

        /// <summary>Who has asked last comes last.</summary>
        public List<(uint Port, long AskedSeconds)> Members { get; } = [];

        /// <summary>Removes a port; false if it is not in the group.</summary>
        public bool TakeOut(uint port)
        {
            for (int i = 0; i < Members.Count; i++)
            {
                if (Members[i].Port != port) continue;
                Members.RemoveAt(i);
                return true;
            }

            return false;
        }
    }

    private readonly record struct Router(ushort Vid, uint Port, long AskedSeconds);
}
