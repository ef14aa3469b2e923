using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnTracker : IConnLedger
{
    /// <summary>Generation of a connection slot: moves whenever what a merged rule relies on may have changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint GenerationOf(int connId)
    {
        if ((uint)connId > (uint)_view.Capacity) ThrowBadConnId(connId);
        Interleaving.Step("M2 generation");
        return Volatile.Read(ref _view.Conn(connId)->Generation);
    }

    /// <summary>True while the connection has this generation and is established in both directions, TCP or UDP, without a gateway.</summary>
    public bool IsOffloadable(int connId, uint generation)
        => (uint)connId <= (uint)_view.Capacity && GenerationOf(connId) == generation && _view.Conn(connId)->IsEstablished;

    /// <summary>
    /// A merged rule depends on the connection: until as many unmarks as marks were made, the observer hears of its changes, and when it has ended its
    /// slot is not given to another one. Compare the generation afterwards: what changed before the mark is not reported.
    /// </summary>
    public void MarkOffloaded(int connId)
    {
        if ((uint)connId > (uint)_view.Capacity) ThrowBadConnId(connId);
        Interleaving.Atomic("M1 mark");
        Interlocked.Increment(ref _view.Cold(connId)->OffloadRefs);
    }

    /// <summary>Takes one mark back; nothing is credited for that rule any more.</summary>
    public void UnmarkOffloaded(int connId)
    {
        if ((uint)connId > (uint)_view.Capacity) ThrowBadConnId(connId);
        Interlocked.Decrement(ref _view.Cold(connId)->OffloadRefs);
    }

    /// <summary>
    /// A packet that hit a merged rule of this connection: passes it through the connection exactly as <c>Execute</c> would, if it is
    /// unchanged, not expired, the packet's checksums are right and its TCP segment leaves the connection established.
    /// False = nothing was changed and the packet must take the software path.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFastHit(int connId, uint generation, bool reply, Packet* packet, long nowMs)
    {
        // UDP whose checksums the port has verified, its length among them: nothing of the packet's bytes is left to look at.
        const PacketFlags Verified = PacketFlags.IpCsumGood | PacketFlags.L4CsumGood;
        if ((packet->Flags & Verified) != Verified || packet->Key.NwProto != IpProto.Udp) return FastHit(connId, generation, reply, packet, nowMs);
        if ((uint)connId > (uint)_view.Capacity) return false;
        ConnRecord* c = _view.Conn(connId);
        if (c->Generation != generation || nowMs >= c->ExpiryMs || packet->Key.NwFrag != NwFrag.No) return false;
        if ((c->Flags & (ConnFlags.Live | ConnFlags.HasAlg | ConnFlags.Related)) != ConnFlags.Live || c->L4State != ConnL4State.Bidir || c->Fwd.Proto != IpProto.Udp) return false;
        c->ExpiryMs = nowMs + _timeouts.Of(c, CtTimeout.OtherBidir);
        c->Count(reply, packet->LengthBytes);
        return true;
    }

    /// <summary>Notes what <see cref="TryFastHit"/> may change.</summary>
    internal void Save(int connId, out FastHitUndo before)
    {
        ConnRecord* c = _view.Conn(connId);
        before = new FastHitUndo
        {
            Orig = c->Orig,
            Reply = c->Reply,
            OrigPackets = c->OrigPackets,
            ReplyPackets = c->ReplyPackets,
            OrigBytes = c->OrigBytes,
            ReplyBytes = c->ReplyBytes,
        };
    }

    /// <summary>Takes a <see cref="TryFastHit"/> back.</summary>
    internal void Undo(int connId, in FastHitUndo before)
    {
        ConnRecord* c = _view.Conn(connId);

        // The windows would come out the same without: software sees the segment next, and one that is seen twice moves them once.
        (c->Orig, c->Reply) = (before.Orig, before.Reply);
        (c->OrigPackets, c->ReplyPackets, c->OrigBytes, c->ReplyBytes) = (before.OrigPackets, before.ReplyPackets, before.OrigBytes, before.ReplyBytes);
    }

    /// <summary>
    /// Packets that hardware forwarded for the connection: counted per direction, the timeout refreshed as of the last of them. What a rule
    /// counted last is read when the connection has moved on already (another mark, a FIN): it still counts, and refreshes the timeout if the
    /// connection is established as before; one that is not has got its timeout from software since. Ignored if the slot had another connection
    /// at that generation: its counters ended with it; while the connection is marked, the slot gets no other one. By one thread at a time, which need
    /// not be the tracker's. <paramref name="bytes"/> may be a negative number modulo 2^64: what a correction
    /// takes off.
    /// </summary>
    public void Credit(int connId, uint generation, bool reply, ulong packets, ulong bytes, long lastUsedMs)
    {
        if ((uint)connId > (uint)_view.Capacity) ThrowBadConnId(connId);
        if (packets == 0 && bytes == 0) return;
        ConnRecord* c = _view.Conn(connId);
        ConnCold* cold = _view.Cold(connId);
        uint current = GenerationOf(connId);
        if (generation - cold->FirstGeneration > current - cold->FirstGeneration)
        {
            // Booked for a connection that has ended, as it would be if nobody had taken its slot.
            if ((int)(generation - cold->FirstGeneration) < 0) Credited += new BookTotals(packets, bytes);
            return;
        }

        CombinedCounter.Add(ref reply ? ref cold->HwReply : ref cold->HwOrig, packets, bytes);
        Credited += new BookTotals(packets, bytes);
        if (packets == 0) return;
        while (true)
        {
            // Not above 0: removed, or a ghost. Neither comes back to life. The state is looked at after the time, as who ends a connection writes
            // them the other way round: a time that was seen to be an established connection's is exchanged for a later one, or not at all.
            long seen = Volatile.Read(ref c->ExpiryMs);
            if (seen <= 0 || !c->IsEstablished) return;
            long expiryMs = lastUsedMs + _timeouts.Of(c, c->Fwd.Proto == IpProto.Tcp ? CtTimeout.TcpEstablished : CtTimeout.OtherBidir);
            if (seen >= expiryMs || Interlocked.CompareExchange(ref c->ExpiryMs, expiryMs, seen) == seen) return;
        }
    }

    /// <summary>Everything that was ever credited to a connection, be it over by then; written by the thread that credits.</summary>
    public BookTotals Credited { get; private set; }

    private bool FastHit(int connId, uint generation, bool reply, Packet* packet, long nowMs)
    {
        if ((uint)connId > (uint)_view.Capacity) return false;
        ConnRecord* c = _view.Conn(connId);
        if (c->Generation != generation || nowMs >= c->ExpiryMs || packet->Key.NwFrag != NwFrag.No || !c->IsEstablished) return false;
        byte* l4 = packet->Data + packet->L4Offset;
        int l4SizeBytes = packet->LengthBytes - packet->L2PadBytes - packet->L4Offset;
        if (!ConnKeyReader.IsTrackable(packet, l4, l4SizeBytes, c->Fwd.Proto)) return false;

        bool tcp = c->Fwd.Proto == IpProto.Tcp;
        if (tcp && !TcpTracker.TryEstablished(c, l4, l4SizeBytes, reply, TcpSeqChk)) return false;
        c->ExpiryMs = nowMs + _timeouts.Of(c, tcp ? CtTimeout.TcpEstablished : CtTimeout.OtherBidir);
        c->Count(reply, packet->LengthBytes);
        return true;
    }
}
