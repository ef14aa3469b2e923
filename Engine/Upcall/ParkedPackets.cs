using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Upcall;

/// <summary>
/// Packets that wait, by flow and in order: of each flow the first waits for its upcall, the others for the first. Bounded; what a packet parks on its way, its copies included, stands in front of
/// what came behind it.
/// </summary>
/// <remarks>For one thread. A flow here is whatever goes by one number: packets of the same number keep their order.</remarks>
internal sealed unsafe class ParkedPackets
{
    private const int None = -1;

    private readonly Entry[] _entries;
    private readonly Flow[] _flows;
    private readonly Dictionary<ulong, int> _byHash;
    private readonly Stack<int> _freeFlows = new();

    /// <summary>Flows whose first packet need not wait.</summary>
    private readonly Queue<int> _ready;
    private int _freeEntry;
    private long _begun;

    /// <summary>Room for so many flows and packets.</summary>
    public ParkedPackets(int flows, int packets)
    {
        _entries = new Entry[packets];
        _flows = new Flow[flows];
        _byHash = new Dictionary<ulong, int>(flows);
        _ready = new Queue<int>(flows);
        for (int i = 0; i < packets; i++) _entries[i].Next = i + 1 < packets ? i + 1 : None;
        for (int i = flows - 1; i >= 0; i--) _freeFlows.Push(i);
    }

    /// <summary>Flows that wait.</summary>
    public int FlowCount => _byHash.Count;

    /// <summary>Packets that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Flows that have ever waited: who has begun to wait before is below it.</summary>
    public long Begun => _begun;

    /// <summary>The flow waits: its packets have to go behind those that are here.</summary>
    public bool Holds(ulong hash) => _byHash.Count > 0 && _byHash.ContainsKey(hash);

    /// <summary>Some flow waits that has begun to before <see cref="Begun"/> was <paramref name="begun"/>.</summary>
    public bool HoldsFrom(long begun)
    {
        foreach (int flow in _byHash.Values)
        {
            if (_flows[flow].Begun < begun) return true;
        }

        return false;
    }

    /// <summary>Takes a packet; false if there is no room. <paramref name="flow"/> is its flow, <paramref name="asks"/> whether it is the one to ask for now.</summary>
    public bool TryAdd(ulong hash, Packet* p, bool isMiss, out int flow, out bool asks)
    {
        (flow, asks) = (None, false);
        if (_freeEntry == None) return false;
        bool isNew = !_byHash.TryGetValue(hash, out flow);
        if (isNew)
        {
            if (!_freeFlows.TryPop(out flow)) return false;
            _flows[flow] = new Flow { Hash = hash, First = None, Last = None, After = None, Begun = _begun++ };
            _byHash.Add(hash, flow);
        }

        int entry = _freeEntry;
        _freeEntry = _entries[entry].Next;
        _entries[entry] = new Entry { Packet = p, IsMiss = isMiss, Next = None };
        Count++;
        Insert(ref _flows[flow], entry);
        asks = isNew;
        return true;
    }

    /// <summary>A flow whose first packet need not wait; false if there is none.</summary>
    public bool TryNext(out int flow) => _ready.TryDequeue(out flow);

    /// <summary>The first packet of a flow goes on; <see cref="End"/> has to follow.</summary>
    public Packet* Take(int flow, out ulong hash)
    {
        ref Flow f = ref _flows[flow];
        int entry = f.First;
        ref Entry e = ref _entries[entry];
        Packet* p = e.Packet;
        hash = f.Hash;
        f.First = e.Next;
        if (f.First == None) f.Last = None;
        (f.IsOnItsWay, f.After) = (true, None);
        e.Next = _freeEntry;
        _freeEntry = entry;
        Count--;
        return p;
    }

    /// <summary>The packet that was taken is through, or here again. The packet to ask for now, null = none.</summary>
    public Packet* End(int flow)
    {
        ref Flow f = ref _flows[flow];
        f.IsOnItsWay = false;
        if (f.First == None)
        {
            _byHash.Remove(f.Hash);
            _freeFlows.Push(flow);
            return null;
        }

        if (_entries[f.First].IsMiss) return _entries[f.First].Packet;
        _ready.Enqueue(flow);
        return null;
    }

    /// <summary>Takes any packet away, in no order, as nobody will go on; null = there is none.</summary>
    public Packet* Abandon()
    {
        foreach (int flow in _byHash.Values)
        {
            ref Flow f = ref _flows[flow];
            int entry = f.First;
            Packet* p = _entries[entry].Packet;
            f.First = _entries[entry].Next;
            _entries[entry].Next = _freeEntry;
            _freeEntry = entry;
            Count--;
            if (f.First == None)
            {
                _byHash.Remove(f.Hash);
                _freeFlows.Push(flow);
            }

            return p;
        }

        _ready.Clear();
        return null;
    }

    private void Insert(ref Flow f, int entry)
    {
        // What the packet on its way parks comes before all that wait, one behind the other.
        int after = f.IsOnItsWay ? f.After : f.Last;
        int next = after == None ? f.First : _entries[after].Next;
        _entries[entry].Next = next;
        if (after == None) f.First = entry;
        else _entries[after].Next = entry;
        if (next == None) f.Last = entry;
        if (f.IsOnItsWay) f.After = entry;
    }

    private struct Entry
    {
        public Packet* Packet;
        public int Next;
        public bool IsMiss;
    }

    private struct Flow
    {
        public ulong Hash;
        public long Begun;
        public int First;
        public int Last;

        /// <summary>What the packet on its way has parked last.</summary>
        public int After;
        public bool IsOnItsWay;
    }
}
