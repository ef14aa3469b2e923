using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Pmd;

/// <summary>Exact-match cache, then tuple-space search, then upcall.</summary>
public sealed unsafe partial class PmdThread
{
    /// <summary>Finds the megaflows of a batch as far as they exist; only reads, but for cache entries.</summary>
    private void LookAhead<T>(Packet** packets, uint pending)
        where T : struct, IStageMarks
    {
        BatchScratch* s = _scratch;
        s->Cached = 0;
        s->Tracked = 0;
        if (pending == 0) return;
        uint missed = pending;
        if (_emc is { } emc)
        {
            Step<T>(PmdStage.Emc);
            missed = ProbeCache(emc, packets, pending);
        }

        if (missed != 0)
        {
            Step<T>(PmdStage.Megaflow);
            ProbeClassifier(packets, missed);
        }

        if (s->Tracked == 0) return;
        Step<T>(PmdStage.Conntrack);
        LookAheadToConnections(packets, s->Tracked);
    }

    /// <summary>Exact-match cache: hash and prefetch all, then compare all. Returns the packets that were not found.</summary>
    private uint ProbeCache(ExactMatchCache emc, Packet** packets, uint pending)
    {
        BatchScratch* s = _scratch;
        RefreshUnion(emc);
        Vector256<byte> union0 = FlowKey.Lane(ref _union, 0);
        Vector256<byte> union1 = FlowKey.Lane(ref _union, 1);
        uint wide = _unionLanes & ~FlowKey.HotLanes;
        uint cacheable = 0;
        for (uint rest = pending; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            Packet* p = packets[i];
            if ((p->KeyLanes & wide) != 0) continue;
            ulong hash = FlowHash.Of(FlowKey.Lane(ref p->Key, 0) & union0, FlowKey.Lane(ref p->Key, 1) & union1);
            emc.Prefetch(hash);
            s->Hash[i] = hash;
            cacheable |= 1u << i;
        }

        uint found = 0;
        for (uint rest = cacheable; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            Packet* p = packets[i];
            CachedMegaflow cached = emc.Lookup(FlowKey.Lane(ref p->Key, 0) & union0, FlowKey.Lane(ref p->Key, 1) & union1, s->Hash[i]);

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
    private void ProbeClassifier(Packet** packets, uint missed)
    {
        BatchScratch* s = _scratch;
        ulong* hashes = stackalloc ulong[MaxBatch];
        for (uint rest = missed; rest != 0; rest &= rest - 1) s->MegaflowId[BitOperations.TrailingZeroCount(rest)] = -1;
        uint left = Classifier.LookupBatch(packets, missed, s->MegaflowId, hashes, ref Stats.SubtablesProbed);
        uint found = missed & ~left;
        Stats.MegaflowHits += (ulong)BitOperations.PopCount(found);
        uint wide = _unionLanes & ~FlowKey.HotLanes;
        for (uint rest = found; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            Packet* p = packets[i];
            MegaflowHot* hot = Megaflows.HotOf(s->MegaflowId[i]);
            if (hot->Shape == ProgramShape.CtRecirc) s->Tracked |= 1u << i;
            if ((p->KeyLanes & wide) == 0) _emc?.Insert(FlowKey.Lane(ref p->Key, 0) & FlowKey.Lane(ref _union, 0), FlowKey.Lane(ref p->Key, 1) & FlowKey.Lane(ref _union, 1), s->Hash[i], hot->Id, hot->Generation);
        }
    }

    /// <summary>For megaflows that begin with ct: the bucket, then the record of each packet's connection.</summary>
    private void LookAheadToConnections(Packet** packets, uint tracked)
    {
        BatchScratch* s = _scratch;
        for (uint rest = tracked; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            s->Hash[i] = _conntrack.HashOf(packets[i], Megaflows.HotOf(s->MegaflowId[i])->Actions->Ct.Zone);
            _conntrack.Prefetch(s->Hash[i]);
        }

        for (uint rest = tracked; rest != 0; rest &= rest - 1) _conntrack.PrefetchConn(s->Hash[BitOperations.TrailingZeroCount(rest)]);
    }

    /// <summary>Finds the megaflow of a parsed packet; null if there is none.</summary>
    private MegaflowHot* Find<T>(Packet* p)
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
                l0 = FlowKey.Lane(ref p->Key, 0) & FlowKey.Lane(ref _union, 0);
                l1 = FlowKey.Lane(ref p->Key, 1) & FlowKey.Lane(ref _union, 1);
                uint recircId = p->Key.RecircId.Host;
                CachedMegaflow cached = emc.LookupRecent(recircId, l0, l1);
                if (!IsCurrent(cached))
                {
                    hash = FlowHash.Of(l0, l1);
                    cached = emc.LookupAndRemember(recircId, l0, l1, hash);
                }

                if (IsCurrent(cached))
                {
                    Stats.EmcHits++;
                    return Megaflows.HotOf(cached.Id);
                }
            }
        }

        Fine<T>(PmdStage.Megaflow);
        int id = Classifier.Lookup(ref p->Key, p->KeyLanes, ref Stats.SubtablesProbed);
        if (id < 0) return null;
        Stats.MegaflowHits++;
        MegaflowHot* hot = Megaflows.HotOf(id);
        if (cacheable) _emc!.Insert(l0, l1, hash, id, hot->Generation);
        return hot;
    }

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
