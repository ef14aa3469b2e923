using System.Runtime.CompilerServices;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Pmd;

/// <summary>The soft device: merged rules, probed before everything else.</summary>
public sealed unsafe partial class PmdThread
{
    private const PacketFlags CsumKnown = PacketFlags.IpCsumGood | PacketFlags.IpCsumBad | PacketFlags.L4CsumGood | PacketFlags.L4CsumBad;

    /// <summary>Probes the soft device for the whole batch, and asks for the connections of what it finds. Returns the packets that hit.</summary>
    private uint ProbeMerged(Packet** packets, int count)
    {
        if (Offload?.Table is not { Count: > 0 } table || _conntrack.SendsLate(_nowMs)) return 0;
        table.Probe(packets, count, (MergedHot**)_scratch->MergedPointer);
        uint hits = 0;
        for (int i = 0; i < count; i++)
        {
            MergedHot* hot = _scratch->Merged(i);

            // An 802.3 frame looks to a rule like an Ethernet II one, but keeps its LLC header in front of a label.
            if (hot == null || (packets[i]->Flags & PacketFlags.Snap) != 0) continue;
            hits |= 1u << i;
            if (hot->ConnCount != 0) _conntrack.PrefetchId(MergedHot.Conn(hot, 0)->ConnId);
            if (hot->Shape == MergedShape.RewriteOutput) Native.Prefetch.Read((byte*)hot + MergedHot.RewriteOffset);
        }

        return hits;
    }

    /// <summary>The same for what has come out of a tunnel, within its batch: true if the packet took a rule, and is consumed.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool TryMergedInside<T>(Packet* p)
        where T : struct, IStageMarks
    {
        if (Offload?.Table is not { Count: > 0 } table || _conntrack.SendsLate(_nowMs)) return false;
        MergedHot* hot;
        table.Probe(&p, 1, &hot);
        if (hot == null || (p->Flags & PacketFlags.Snap) != 0) return false;
        MergedTotals totals = default;
        if (!TryMerged<T>(p, hot, ref totals))
        {
            Stats.MergedRefused++;
            return false;
        }

        Stats.MergedHits += totals.Hits;
        Stats.Carried += totals.Carried;
        Stats.Tx += totals.Forwarded;
        Stats.TxBytes += totals.ForwardedBytes;
        return true;
    }

    /// <summary>
    /// Does everything the rule's chain would have done, or nothing: false if the packet has to take the software path because the rule is
    /// dying, a checksum is not good, or a connection would not treat it as it treated the recorded one.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryMerged<T>(Packet* p, MergedHot* hot, ref MergedTotals totals)
        where T : struct, IStageMarks
    {
        if (!RevocationGates.MayUse(hot, _gates)) return false;
        if (hot->RequiresCsum != 0 && !IsCsumGood(p)) return false;
        if (hot->ConnCount != 0 && !HitConnections(p, hot)) return false;
        ulong bytes = (uint)p->LengthBytes;
        totals.Hits++;
        MergedHot.Count(hot, bytes, _nowMs);
        if (hot->Shape < MergedShape.OutputOnly)
        {
            totals.Finished++;
            FinishMerged<T>(p, hot);
            return true;
        }

        if (hot->Shape == MergedShape.RewriteOutput)
        {
            PmdStage outer = Fine<T>(PmdStage.Actions);
            MergedRewrite.Apply(p, hot);
            Fine<T>(outer);
        }

        PmdStage before = Fine<T>(PmdStage.Transmit);
        PortTable.PortHot* port = Ports[hot->OutPort];
        if (port->Exists != 0) TransmitTail.Send(_sink, p, hot->OutPort, port, bytes, ref totals.Forwarded, ref totals.ForwardedBytes);
        else Stats.TxNoPort++;
        Pool.Return(p);
        Fine<T>(before);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FinishMerged<T>(Packet* p, MergedHot* hot)
        where T : struct, IStageMarks
    {
        if (hot->Shape == MergedShape.Drop) _run.Drop(p);
        else _run.Execute<T>(p, hot->Program, hot->ActionCount);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsCsumGood(Packet* p)
    {
        if ((p->Flags & CsumKnown) == 0) PacketChecksums.Verify(p);

        // IPv6 has no header checksum to be good.
        return (p->Flags & (PacketFlags.L4CsumGood | PacketFlags.IpCsumBad)) == PacketFlags.L4CsumGood;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool HitConnections(Packet* p, MergedHot* hot)
    {
        if (hot->ConnCount > 1) return HitManyConnections(p, hot);
        ConnRef* only = MergedHot.Conn(hot, 0);
        return _conntrack.TryFastHit(only->ConnId, only->Generation, hot->IsReply(0), p, _nowMs);
    }

    [SkipLocalsInit]
    private bool HitManyConnections(Packet* p, MergedHot* hot)
    {
        int count = hot->ConnCount;
        FastHitUndo* before = stackalloc FastHitUndo[MergedHot.MaxConns];
        for (int i = 0; i < count; i++)
        {
            ConnRef* c = MergedHot.Conn(hot, i);
            if (_conntrack.TryFastHitOneOf(c->ConnId, c->Generation, hot->IsReply(i), Repeats(hot, i), p, _nowMs, out before[i])) continue;

            // All or none: what the earlier ones have done is taken back, the last first, as two of them may be the same connection.
            while (--i >= 0) _conntrack.Undo(MergedHot.Conn(hot, i)->ConnId, Repeats(hot, i), in before[i]);
            return false;
        }

        for (int i = 0; i < count; i++) _conntrack.Keep(MergedHot.Conn(hot, i)->ConnId, Repeats(hot, i));
        return true;
    }

    /// <summary>Is the connection one of those before it?</summary>
    private static bool Repeats(MergedHot* hot, int index)
    {
        for (int i = 0; i < index; i++)
        {
            if (MergedHot.Conn(hot, i)->ConnId == MergedHot.Conn(hot, index)->ConnId) return true;
        }

        return false;
    }

    /// <summary>What the merged rules of one batch add to <see cref="PmdStats"/>.</summary>
    private struct MergedTotals
    {
        public ulong Hits;

        /// <summary>Hits that something else was done with than to rewrite and send.</summary>
        public ulong Finished;
        public ulong Forwarded;
        public ulong ForwardedBytes;

        public readonly ulong Carried => Hits - Finished;
    }
}
