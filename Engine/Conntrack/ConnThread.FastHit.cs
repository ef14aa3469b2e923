using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>Packets that a merged rule in software forwards.</remarks>
public sealed unsafe partial class ConnThread
{
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
        if (_isShared) return FastHitShared(connId, generation, reply, packet, nowMs);
        if ((packet->Flags & Verified) != Verified || packet->Key.NwProto != IpProto.Udp) return FastHit(connId, generation, reply, packet, nowMs);
        if ((uint)connId > (uint)_view.Capacity) return false;
        ConnRecord* c = _view.Conn(connId);
        if (c->Generation != generation || nowMs >= c->ExpiryMs || packet->Key.NwFrag != NwFrag.No) return false;
        if ((c->Flags & (ConnFlags.Live | ConnFlags.HasAlg | ConnFlags.Related)) != ConnFlags.Live || c->L4State != ConnL4State.Bidir || c->Fwd.Proto != IpProto.Udp) return false;
        c->ExpiryMs = nowMs + _timeouts.Of(c, CtTimeout.OtherBidir);
        c->Count(reply, packet->LengthBytes);
        return true;
    }

    /// <summary>
    /// The same for one of several connections of a rule: all of them hear of the packet or none does. The connection is held, and what it was is kept, until
    /// <see cref="Keep"/> or <see cref="Undo"/>. False also if another thread holds it: who waited for the second while holding the first might wait for ever.
    /// One that comes a second time <paramref name="isHeld"/> already.
    /// </summary>
    internal bool TryFastHitOneOf(int connId, uint generation, bool reply, bool isHeld, Packet* packet, long nowMs, out FastHitUndo before)
    {
        Unsafe.SkipInit(out before);
        if ((uint)connId > (uint)_view.Capacity) return false;
        ConnRecord* c = _view.Conn(connId);
        if (_isShared && !isHeld && !ConnLock.TryTake<SharedSync>(c)) return false;
        before = new FastHitUndo
        {
            Orig = c->Orig,
            Reply = c->Reply,
            OrigPackets = c->OrigPackets,
            ReplyPackets = c->ReplyPackets,
            OrigBytes = c->OrigBytes,
            ReplyBytes = c->ReplyBytes,
        };
        if (FastHit(connId, generation, reply, packet, nowMs)) return true;
        Keep(connId, isHeld);
        return false;
    }

    /// <summary>All connections of the rule have heard of the packet: lets one go.</summary>
    internal void Keep(int connId, bool isHeld)
    {
        if (_isShared && !isHeld) ConnLock.Release<SharedSync>(_view.Conn(connId));
    }

    /// <summary>Takes a <see cref="TryFastHitOneOf"/> back, and lets go.</summary>
    internal void Undo(int connId, bool isHeld, in FastHitUndo before)
    {
        ConnRecord* c = _view.Conn(connId);

        // The windows would come out the same without: software sees the segment next, and one that is seen twice moves them once.
        (c->Orig, c->Reply) = (before.Orig, before.Reply);
        (c->OrigPackets, c->ReplyPackets, c->OrigBytes, c->ReplyBytes) = (before.OrigPackets, before.ReplyPackets, before.OrigBytes, before.ReplyBytes);
        Keep(connId, isHeld);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool FastHitShared(int connId, uint generation, bool reply, Packet* packet, long nowMs)
    {
        if ((uint)connId > (uint)_view.Capacity) return false;
        ConnRecord* c = _view.Conn(connId);
        ConnLock.Take<SharedSync>(c);
        bool isHit = FastHit(connId, generation, reply, packet, nowMs);
        ConnLock.Release<SharedSync>(c);
        return isHit;
    }

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
