using System.Numerics;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Pmd;

/// <summary>What runs ahead over the whole batch: megaflows are found, connections are asked for.</summary>
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
        if (_lookup.HasCache)
        {
            Step<T>(PmdStage.Emc);
            missed = _lookup.ProbeCache(packets, pending, s);
        }

        if (missed != 0)
        {
            Step<T>(PmdStage.Megaflow);
            _lookup.ProbeClassifier(packets, missed, s, ref _run.Stats);
        }

        if (_megaflows.IsInDoubt)
        {
            _isTimed = MissClock is not null;
            _lookup.LookAtDoubted(pending, s);
        }

        if (s->Tracked == 0) return;
        Step<T>(PmdStage.Conntrack);
        LookAheadToConnections(packets, s->Tracked);
    }

    /// <summary>For megaflows that begin with ct: the bucket, then the record of each packet's connection.</summary>
    private void LookAheadToConnections(Packet** packets, uint tracked)
    {
        BatchScratch* s = _scratch;
        for (uint rest = tracked; rest != 0; rest &= rest - 1)
        {
            int i = BitOperations.TrailingZeroCount(rest);
            s->Hash[i] = _conntrack.HashOf(packets[i], _megaflows.HotOf(s->MegaflowId[i])->Actions->Ct.Zone);
            _conntrack.Prefetch(s->Hash[i]);
        }

        for (uint rest = tracked; rest != 0; rest &= rest - 1) _conntrack.PrefetchConn(s->Hash[BitOperations.TrailingZeroCount(rest)]);
    }
}
