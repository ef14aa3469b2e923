using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Pmd;

/// <summary>
/// Finds megaflows: exact-match cache, then tuple-space search; for a whole batch, which only reads, and for a packet that recirculates. Owns the cache and
/// what of the classifier it goes by.
/// </summary>
internal sealed unsafe class MegaflowLookup : IDisposable
{
    private readonly ExactMatchCache? _emc;
    private FlowKey _union;
    private uint _unionLanes;
    private uint _unionVersion;
    private uint _turnsSeen;

    /// <summary>A packet that was not in the cache gets an entry if its random number is not above this one; all bits: each gets one, 0: none.</summary>
    private uint _insertMost = uint.MaxValue;
    private bool _keepsMade;
    private XorShift _random;

    /// <summary>What stages are measured by; null unless they are.</summary>
    public StageTimes? Stages;

    public MegaflowLookup(PmdOptions options, MegaflowTable megaflows, Dpcls classifier)
    {
        Megaflows = megaflows;
        Classifier = classifier;

        // Of numbers of its own: which packets are sampled says nothing of this.
        _random = new XorShift(BitOperations.RotateLeft(options.RandomSeed, 32));
        if (options.CacheOn) _emc = new ExactMatchCache(options.EmcEntryCount);
    }

    public MegaflowTable Megaflows { get; }

    public Dpcls Classifier { get; }

    /// <summary>Time of the batch, ms.</summary>
    public long NowMs { get; set; }

    /// <summary>Whether there is a cache.</summary>
    public bool HasCache => _emc is not null;

    /// <summary>Whether the packet for which a megaflow was made has an entry in the cache, too.</summary>
    public bool KeepsMade => _keepsMade;

    /// <inheritdoc/>
    public void Dispose() => _emc?.Dispose();

    /// <summary>One in so many packets that are not in the cache gets an entry, those with an upcall included (OVS <c>emc-insert-inv-prob</c>). Any thread.</summary>
    /// <param name="oneIn">0: none; null: each packet that a megaflow is found for.</param>
    public void SetInsertion(uint? oneIn)
    {
        Volatile.Write(ref _insertMost, oneIn switch { null => uint.MaxValue, 0 => 0, { } n => uint.MaxValue / n });
        Volatile.Write(ref _keepsMade, oneIn is > 0);
    }

    /// <summary>Behind an upcall: what came is found at once when it comes again.</summary>
    /// <param name="link">Of the key as it came: <see cref="Lanes.Link"/>.</param>
    /// <param name="network">The same: <see cref="Lanes.Network"/>.</param>
    /// <param name="lanes">Its lanes that are not 0.</param>
    /// <param name="id">The megaflow that was made.</param>
    /// <param name="generation">Its generation.</param>
    public void Keep(Vector256<byte> link, Vector256<byte> network, uint lanes, int id, uint generation)
    {
        if (_emc is not { } emc) return;
        RefreshUnion(emc);
        if ((lanes & _unionLanes & ~FlowKey.HotLanes) != 0 || !IsInserted()) return;
        link &= FlowKey.Lane(ref _union, Lanes.Link);
        network &= FlowKey.Lane(ref _union, Lanes.Network);
        emc.Insert(link, network, FlowHash.Of(link, network), id, generation);
    }

    /// <summary>Exact-match cache: hash and prefetch all, then compare all. Returns the packets that were not found.</summary>
    public uint ProbeCache(Packet** packets, uint pending, BatchScratch* s)
    {
        ExactMatchCache emc = _emc!;
        RefreshUnion(emc);
        Vector256<byte> union0 = FlowKey.Lane(ref _union, Lanes.Link);
        Vector256<byte> union1 = FlowKey.Lane(ref _union, Lanes.Network);
        uint wide = _unionLanes & ~FlowKey.HotLanes;
        uint cacheable = 0;
        for (uint rest = pending; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            Packet* p = packets[i];
            if ((p->KeyLanes & wide) != 0) continue;
            ulong hash = FlowHash.Of(FlowKey.Lane(ref p->Key, Lanes.Link) & union0, FlowKey.Lane(ref p->Key, Lanes.Network) & union1);
            emc.Prefetch(hash);
            s->Hash[i] = hash;
            cacheable |= 1u << i;
        }

        uint found = 0;
        for (uint rest = cacheable; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            Packet* p = packets[i];
            CachedMegaflow cached = emc.Lookup(FlowKey.Lane(ref p->Key, Lanes.Link) & union0, FlowKey.Lane(ref p->Key, Lanes.Network) & union1, s->Hash[i]);

            // A dead one's slot may get another user before this packet's turn; a living one is not deleted within a batch.
            if (!cached.IsFound) continue;
            MegaflowHot* hot = Megaflows.HotOf(cached.Id);
            if (!cached.IsCurrent(hot->Generation)) continue;
            s->MegaflowId[i] = cached.Id;
            found |= 1u << i;
            if (hot->Shape == ProgramShape.CtRecirc) s->Tracked |= 1u << i;
        }

        s->Cached = found;
        return pending & ~found;
    }

    /// <summary>Tuple-space search for the whole batch; what is found goes into the exact-match cache.</summary>
    public void ProbeClassifier(Packet** packets, uint missed, BatchScratch* s, ref PmdStats stats)
    {
        ulong* hashes = stackalloc ulong[PmdThread.MaxBatch];
        for (uint rest = missed; rest != 0; rest &= rest - 1) s->MegaflowId[BitOperations.TrailingZeroCount(rest)] = -1;
        uint left = Classifier.LookupBatch(packets, missed, s->MegaflowId, hashes, ref stats.SubtablesProbed);
        uint found = missed & ~left;
        stats.MegaflowHits += (ulong)BitOperations.PopCount(found);
        uint wide = _unionLanes & ~FlowKey.HotLanes;
        for (uint rest = found; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            Packet* p = packets[i];
            MegaflowHot* hot = Megaflows.HotOf(s->MegaflowId[i]);
            if (hot->Shape == ProgramShape.CtRecirc) s->Tracked |= 1u << i;
            if ((p->KeyLanes & wide) == 0 && IsInserted()) _emc?.Insert(FlowKey.Lane(ref p->Key, Lanes.Link) & FlowKey.Lane(ref _union, Lanes.Link), FlowKey.Lane(ref p->Key, Lanes.Network) & FlowKey.Lane(ref _union, Lanes.Network), s->Hash[i], hot->Id, hot->Generation);
        }
    }

    /// <summary>Finds the megaflow of a parsed packet; null if there is none. Not inlined: most packets come here with their megaflow found ahead.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public MegaflowHot* Find<T>(Packet* p, ref PmdStats stats)
        where T : struct, IStageMarks
    {
        Vector256<byte> l0 = default;
        Vector256<byte> l1 = default;
        ulong hash = 0;
        bool cacheable = false;
        if (_emc is { } emc)
        {
            RefreshUnion(emc);
            cacheable = (p->KeyLanes & _unionLanes & ~FlowKey.HotLanes) == 0;
            if (cacheable)
            {
                l0 = FlowKey.Lane(ref p->Key, Lanes.Link) & FlowKey.Lane(ref _union, Lanes.Link);
                l1 = FlowKey.Lane(ref p->Key, Lanes.Network) & FlowKey.Lane(ref _union, Lanes.Network);
                uint recircId = p->Key.RecircId.Host;
                CachedMegaflow cached = emc.LookupRecent(recircId, l0, l1);
                if (!IsCurrent(cached))
                {
                    hash = FlowHash.Of(l0, l1);
                    cached = emc.LookupAndRemember(recircId, l0, l1, hash);
                }

                if (IsCurrent(cached))
                {
                    stats.EmcHits++;
                    MegaflowHot* recent = Megaflows.HotOf(cached.Id);
                    return Megaflows.IsInDoubt ? Doubtless<T>(recent, p, ref stats) : recent;
                }
            }
        }

        if (T.IsOn) StageMarks.Fine(Stages!, PmdStage.Megaflow);
        int id = Classifier.Lookup(ref p->Key, p->KeyLanes, ref stats.SubtablesProbed);
        if (id < 0) return null;
        stats.MegaflowHits++;
        MegaflowHot* hot = Megaflows.HotOf(id);
        if (cacheable && IsInserted()) _emc!.Insert(l0, l1, hash, id, hot->Generation);
        return Megaflows.IsInDoubt ? Doubtless<T>(hot, p, ref stats) : hot;
    }

    /// <summary>
    /// Looks at the megaflows in doubt that packets of the batch have found, before any of it runs: what has to go is gone then, and who found it looks again in his turn.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void LookAtDoubted(uint packets, BatchScratch* s)
    {
        for (uint rest = packets; rest != 0; rest &= rest - 1)
        {
            int id = s->MegaflowId[BitOperations.TrailingZeroCount(rest)];
            if (id >= 0) IsTrue(Megaflows.HotOf(id));
        }

        for (uint rest = packets; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest), id = s->MegaflowId[i];
            if (id < 0 || Megaflows.HotOf(id)->Dead == 0) continue;
            s->MegaflowId[i] = -1;
            s->Tracked &= ~(1u << i);
            s->Cached &= ~(1u << i);
        }
    }

    /// <summary>The megaflow in doubt, if it is true, or the one that has come in its place; null if there is none.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private MegaflowHot* Doubtless<T>(MegaflowHot* hot, Packet* p, ref PmdStats stats)
        where T : struct, IStageMarks
        => IsTrue(hot) ? hot : Find<T>(p, ref stats);

    private bool IsTrue(MegaflowHot* hot) => hot->TrueIn == Megaflows.Epoch || Megaflows.LookAtHit!(hot->Id, NowMs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsInserted() => _insertMost == uint.MaxValue || IsDrawn();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool IsDrawn() => _insertMost != 0 && _random.Next() <= _insertMost;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsCurrent(CachedMegaflow cached) => cached.IsFound && cached.IsCurrent(Megaflows.HotOf(cached.Id)->Generation);

    /// <summary>Adopts the classifier's union mask; a change makes the cache stale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RefreshUnion(ExactMatchCache emc)
    {
        if (_unionVersion != Classifier.UnionVersion || _turnsSeen != Megaflows.GenerationTurns) AdoptUnion(emc);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AdoptUnion(ExactMatchCache emc)
    {
        _union = Classifier.Union;
        _unionLanes = Classifier.UnionLanes;
        _unionVersion = Classifier.UnionVersion;
        _turnsSeen = Megaflows.GenerationTurns;
        emc.Invalidate();
    }
}

/// <summary>What the look-ahead stages found out about each packet of the batch.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BatchScratch
{
    public fixed ulong Hash[PmdThread.MaxBatch];
    public fixed int MegaflowId[PmdThread.MaxBatch];
    public fixed ulong MergedPointer[PmdThread.MaxBatch];

    /// <summary>Bit i: packet i's megaflow came from the exact-match cache.</summary>
    public uint Cached;

    /// <summary>Bit i: Hash[i] is packet i's conntrack hash for the ct action that its megaflow begins with.</summary>
    public uint Tracked;

    public MergedHot* Merged(int i) => (MergedHot*)MergedPointer[i];
}
