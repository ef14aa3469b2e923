using System.Runtime.CompilerServices;

namespace Mergeflow.Engine;

/// <summary>The soft device: merged rules, probed before everything else.</summary>
public sealed unsafe partial class PmdThread
{
    private const PacketFlags CsumKnown = PacketFlags.IpCsumGood | PacketFlags.IpCsumBad | PacketFlags.L4CsumGood | PacketFlags.L4CsumBad;

    /// <summary>Probes the soft device for the whole batch, and asks for the connections of what it finds. Returns the packets that hit.</summary>
    private uint ProbeMerged(Packet** packets, int count)
    {
        if (Offload?.Table is not { Count: > 0 } table) return 0;
        table.Probe(packets, count, (MergedHot**)_scratch->MergedPointer);
        uint hits = 0;
        for (int i = 0; i < count; i++)
        {
            MergedHot* hot = _scratch->Merged(i);
            if (hot == null) continue;
            hits |= 1u << i;
            if (hot->ConnCount != 0) _conntrack.PrefetchId(MergedHot.Conn(hot, 0)->ConnId);
        }

        return hits;
    }

    /// <summary>
    /// Does everything the rule's chain would have done, or nothing: false if the packet has to take the software path because the rule is
    /// dying, a checksum is not good, or a connection would not treat it as it treated the recorded one.
    /// </summary>
    private bool TryMerged<T>(Packet* p, MergedHot* hot)
        where T : struct, IStageMarks
    {
        if (Volatile.Read(ref hot->Dead) != 0) return false;
        if (hot->RequiresCsum != 0 && !IsCsumGood(p)) return false;
        if (hot->ConnCount != 0 && !HitConnections(p, hot)) return false;
        Stats.MergedHits++;
        hot->Packets++;
        hot->Bytes += (ulong)p->LengthBytes;
        hot->LastUsedMs = _nowMs;
        switch (hot->Shape)
        {
            case MergedShape.OutputOnly:
                Transmit<T>(p, hot->OutPort);
                Pool.Return(p);
                break;
            case MergedShape.RewriteOutput:
                PmdStage outer = Fine<T>(PmdStage.Actions);
                MergedRewrite.Apply(p, hot);
                Fine<T>(outer);
                Transmit<T>(p, hot->OutPort);
                Pool.Return(p);
                break;
            case MergedShape.Drop:
                Stats.Dropped++;
                Pool.Return(p);
                break;
            default:
                Execute<T>(p, hot->Program, hot->ActionCount);
                break;
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsCsumGood(Packet* p)
    {
        if ((p->Flags & CsumKnown) == 0) PacketChecksums.Verify(p);

        // IPv6 has no header checksum to be good.
        return (p->Flags & (PacketFlags.L4CsumGood | PacketFlags.IpCsumBad)) == PacketFlags.L4CsumGood;
    }

    private bool HitConnections(Packet* p, MergedHot* hot)
    {
        int count = hot->ConnCount;
        if (count > 1)
        {
            // All or none: a refusal by the second connection must not leave the first one counted.
            for (int i = 0; i < count; i++)
            {
                ConnRef* c = MergedHot.Conn(hot, i);
                if (!_conntrack.CanFastHit(c->ConnId, c->Generation, hot->IsReply(i), p, _nowMs)) return false;
            }
        }

        for (int i = 0; i < count; i++)
        {
            ConnRef* c = MergedHot.Conn(hot, i);
            if (!_conntrack.TryFastHit(c->ConnId, c->Generation, hot->IsReply(i), p, _nowMs)) return false;
        }

        return true;
    }
}
