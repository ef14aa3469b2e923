using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Engine;

/// <summary>Exact-match cache, then tuple-space search, then upcall.</summary>
public sealed unsafe partial class PmdThread
{
    /// <summary>Probes the exact-match cache for the whole batch: hash and prefetch all, then compare all.</summary>
    private void LookAhead(Packet** packets, int count)
    {
        BatchScratch* s = _scratch;
        if (_emc is not { } emc)
        {
            for (int i = 0; i < count; i++) s->MegaflowId[i] = -1;
            s->Tracked = 0;
            return;
        }

        RefreshUnion(emc);
        Vector256<byte> union0 = FlowKey.Lane(ref _union, 0);
        Vector256<byte> union1 = FlowKey.Lane(ref _union, 1);
        uint wide = _unionLanes & ~FlowKey.HotLanes;
        uint wanted = 0;
        for (int i = 0; i < count; i++)
        {
            Packet* p = packets[i];
            s->MegaflowId[i] = -1;
            if (s->MergedPointer[i] != 0 || (p->KeyLanes & wide) != 0) continue;
            ulong hash = FlowHash.Of(FlowKey.Lane(ref p->Key, 0) & union0, FlowKey.Lane(ref p->Key, 1) & union1);
            emc.Prefetch(hash);
            s->Hash[i] = hash;
            wanted |= 1u << i;
        }

        uint tracked = 0;
        for (uint rest = wanted; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            Packet* p = packets[i];
            int id = emc.Lookup(FlowKey.Lane(ref p->Key, 0) & union0, FlowKey.Lane(ref p->Key, 1) & union1, s->Hash[i]);
            if (id < 0) continue;
            MegaflowHot* hot = Megaflows.HotOf(id);
            // A dead one's slot may get another user before this packet's turn; a living one is not deleted within a batch.
            if (hot->Dead != 0) continue;
            s->MegaflowId[i] = id;
            if (hot->Shape != ProgramShape.CtRecirc) continue;
            s->Hash[i] = _conntrack.HashOf(p, hot->Actions->Ct.Zone);
            _conntrack.Prefetch(s->Hash[i]);
            tracked |= 1u << i;
        }

        for (uint rest = tracked; rest != 0; rest &= rest - 1) _conntrack.PrefetchConn(s->Hash[BitOperations.TrailingZeroCount(rest)]);
        s->Tracked = tracked;
    }

    /// <summary>Finds or makes the megaflow of a parsed packet; null if it could not be installed (then the upcall has run the actions).</summary>
    private MegaflowHot* Classify(Packet* p)
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
                hash = FlowHash.Of(l0, l1);
                int cached = emc.Lookup(l0, l1, hash);
                if (cached >= 0 && Megaflows.HotOf(cached)->Dead == 0)
                {
                    Stats.EmcHits++;
                    return Megaflows.HotOf(cached);
                }
            }
        }

        int id = Classifier.Lookup(ref p->Key, p->KeyLanes, ref Stats.SubtablesProbed);
        if (id >= 0)
        {
            Stats.MegaflowHits++;
            if (cacheable) _emc!.Insert(l0, l1, hash, id);
            return Megaflows.HotOf(id);
        }

        Stats.Upcalls++;
        Megaflow? m = _upcall.Handle(p, _nowMs);
        if (m is null)
        {
            Stats.UpcallsUninstalled++;
            return null;
        }

        return m.Hot;
    }

    /// <summary>Adopts the classifier's union mask; a change makes the cache stale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RefreshUnion(ExactMatchCache emc)
    {
        if (_unionVersion != Classifier.UnionVersion || _reuseSeen != Megaflows.ReuseCount) AdoptUnion(emc);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AdoptUnion(ExactMatchCache emc)
    {
        _union = Classifier.Union;
        _unionLanes = Classifier.UnionLanes;
        _unionVersion = Classifier.UnionVersion;
        _reuseSeen = Megaflows.ReuseCount;
        emc.Invalidate();
    }
}
