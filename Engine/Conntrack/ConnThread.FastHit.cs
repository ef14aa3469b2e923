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
        if ((uint)connId > (uint)_view.Capacity) return false;
        ConnRecord* c = _view.Conn(connId);
        if (!_isShared) return FastHit<AloneSync>(c, generation, reply, packet, nowMs);
        if (_lock.IsKept(connId)) return FastHit<SharedSync>(c, generation, reply, packet, nowMs);
        return FastHitLocked(c, generation, reply, packet, nowMs);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool FastHitLocked(ConnRecord* c, uint generation, bool reply, Packet* packet, long nowMs)
    {
        _lock.Take<SharedSync>(c);
        bool isHit = FastHit<SharedSync>(c, generation, reply, packet, nowMs);
        _lock.ReleaseEstablished<SharedSync>(c, reply);
        return isHit;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool FastHit<S>(ConnRecord* c, uint generation, bool reply, Packet* packet, long nowMs)
        where S : struct, IConnSync
    {
        // UDP whose checksums the port has verified, its length among them: nothing of the packet's bytes is left to look at.
        const PacketFlags Verified = PacketFlags.IpCsumGood | PacketFlags.L4CsumGood;
        if ((packet->Flags & Verified) != Verified || packet->Key.NwProto != IpProto.Udp) return FastHitAny<S>(c, generation, reply, packet, nowMs);
        if (c->Generation != generation || nowMs >= c->ExpiryMs || packet->Key.NwFrag != NwFrag.No) return false;
        if ((c->Flags & (ConnFlags.Live | ConnFlags.HasAlg | ConnFlags.Related)) != ConnFlags.Live || c->L4State != ConnL4State.Bidir || c->Fwd.Proto != IpProto.Udp) return false;
        SetExpiry<S>(c, nowMs + _timeouts.Of(c, CtTimeout.OtherBidir));
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
        if (_isShared && !isHeld && !_lock.TryTake<SharedSync>(c)) return false;
        before = new FastHitUndo
        {
            Orig = c->Orig,
            Reply = c->Reply,
            OrigPackets = c->OrigPackets,
            ReplyPackets = c->ReplyPackets,
            OrigBytes = c->OrigBytes,
            ReplyBytes = c->ReplyBytes,
        };
        if (FastHitAny<SharedSync>(c, generation, reply, packet, nowMs)) return true;
        Keep(connId, isHeld);
        return false;
    }

    /// <summary>All connections of the rule have heard of the packet: lets one go.</summary>
    internal void Keep(int connId, bool isHeld)
    {
        if (_isShared && !isHeld) _lock.Release<SharedSync>(_view.Conn(connId));
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

    private bool FastHitAny<S>(ConnRecord* c, uint generation, bool reply, Packet* packet, long nowMs)
        where S : struct, IConnSync
    {
        if (c->Generation != generation || nowMs >= c->ExpiryMs || packet->Key.NwFrag != NwFrag.No || !c->IsEstablished) return false;
        byte* l4 = packet->Data + packet->L4Offset;
        int l4SizeBytes = packet->LengthBytes - packet->L2PadBytes - packet->L4Offset;
        if (!ConnKeyReader.IsTrackable(packet, l4, l4SizeBytes, c->Fwd.Proto)) return false;

        bool tcp = c->Fwd.Proto == IpProto.Tcp;
        if (tcp && !TcpTracker.TryEstablished(c, l4, l4SizeBytes, reply, TcpSeqChk)) return false;
        SetExpiry<S>(c, nowMs + _timeouts.Of(c, tcp ? CtTimeout.TcpEstablished : CtTimeout.OtherBidir));
        c->Count(reply, packet->LengthBytes);
        return true;
    }
}
