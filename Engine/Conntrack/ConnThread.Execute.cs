using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnThread
{
    private const CtState NatStates = CtState.SNat | CtState.DNat;

    /// <summary>
    /// Sends a packet through conntrack: its ct_* fields are set, its bytes translated, the connection created or moved on.
    /// </summary>
    /// <param name="packet">Parsed packet; on <see cref="CtDisposition.Held"/> it belongs to conntrack until it is released.</param>
    /// <param name="args">The action.</param>
    /// <param name="nowMs">Clock in ms, the same one that <see cref="Step"/> gets.</param>
    /// <param name="verdict">What was done.</param>
    public void Execute(Packet* packet, in DpCt args, long nowMs, out CtVerdict verdict) => Execute(packet, args, nowMs, 0, out verdict);

    /// <summary>The same, with the hash from <see cref="HashOf"/>; 0 = not known.</summary>
    public void Execute(Packet* packet, in DpCt args, long nowMs, ulong hash, out CtVerdict verdict)
    {
        if (_isShared) Execute<SharedSync>(packet, args, nowMs, hash, out verdict);
        else Execute<AloneSync>(packet, args, nowMs, hash, out verdict);
    }

    /// <summary>The same, whatever the tracker was built for: tests leave out a part of what threads do for each other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Execute<S>(Packet* packet, in DpCt args, long nowMs, ulong hash, out CtVerdict verdict)
        where S : struct, IConnSync
    {
        if (nowMs >= _dueMs) ExecuteAndTidy<S>(packet, args, nowMs, hash, out verdict);
        else ExecuteOne<S>(packet, args, nowMs, hash, out verdict);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ExecuteOne<S>(Packet* packet, in DpCt args, long nowMs, ulong hash, out CtVerdict verdict)
        where S : struct, IConnSync
    {
        if (packet->Key.NwFrag != NwFrag.No) ExecuteFragment<S>(packet, args, nowMs, out verdict);
        else if (!TryExecuteEstablished<S>(packet, args, nowMs, hash, out verdict)) ExecuteWhole<S>(packet, args, nowMs, hash, out verdict);
    }

    [SkipLocalsInit]
    private void ExecuteWhole<S>(Packet* packet, in DpCt args, long nowMs, ulong hash, out CtVerdict verdict)
        where S : struct, IConnSync
    {
        CtContext cx;
        cx.ConnId = 0;
        cx.Reply = cx.IcmpRelated = cx.Changed = cx.Translated = cx.ByOriginalTuple = false;
        if (!_keys.TryRead(packet, args.Zone, &cx))
        {
            Reject(packet, args.Zone, out verdict);
            return;
        }
        if (packet->CtConnRef != 0 && IsCached<S>(packet, args))
        {
            ProcessCached<S>(packet, args, &cx, out verdict);
            return;
        }
        cx.Hash = hash != 0 ? hash : _view.Hash.OfKey(cx.Key);
        if (S.IsShared) ProcessShared<S>(packet, args, &cx, nowMs, out verdict);
        else TryProcess<S>(packet, args, &cx, nowMs, out verdict);
    }

    /// <summary>Looks again as long as others add connections where this packet would begin one.</summary>
    private void ProcessShared<S>(Packet* packet, in DpCt args, CtContext* cx, long nowMs, out CtVerdict verdict)
        where S : struct, IConnSync
    {
        CtContext begin = *cx;
        CtState state = packet->Key.CtState;
        while (!TryProcess<S>(packet, args, cx, nowMs, out verdict))
        {
            *cx = begin;
            packet->Key.CtState = state;
            ConnClaim.ReadFree(_view, _lock, cx->Hash);
        }
    }

    /// <summary>Hash for <see cref="Execute(Packet*, in DpCt, long, ulong, out CtVerdict)"/> of a TCP or UDP packet, from its key; 0 for others.</summary>
    public ulong HashOf(Packet* packet, ushort zone) => _keys.HashOf(packet, zone);

    /// <summary>Asks for the bucket of <paramref name="hash"/> ahead of time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Prefetch(ulong hash) => _view.Prefetch(hash);

    /// <summary>Asks for the record that <paramref name="hash"/> most likely leads to; its bucket should be at hand.</summary>
    /// <param name="hash">From <see cref="HashOf"/>.</param>
    /// <param name="ipv6">The addresses will be needed too.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchConn(ulong hash, bool ipv6 = false) => _view.PrefetchConn(hash, ipv6);

    /// <summary>Asks for the record of a connection that a merged rule names, ahead of <see cref="TryFastHit"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void PrefetchId(int connId) => _view.PrefetchId(connId);

    /// <summary>Makes a packet untracked again (<c>ct_clear</c>).</summary>
    public static void Clear(Packet* packet) => ConnMetadata.Clear(packet);

    /// <summary>The packet cannot be tracked: invalid, and nothing else is known of it.</summary>
    private void Reject(Packet* packet, ushort zone, out CtVerdict verdict)
    {
        packet->Key.CtState = CtState.Inv;
        ConnMetadata.WriteUnknown(packet, zone);
        packet->CtConnRef = 0;
        CtContext cx = default;
        ConnMetadata.FillVerdict(packet, &cx, null, out verdict);
    }

    /// <summary>
    /// The decisions of OVS <c>process_one</c>, in its order. From the search to the end the connection is held. False: another thread has added a connection, perhaps this one,
    /// since the packet looked for it; nothing was done.
    /// </summary>
    private bool TryProcess<S>(Packet* packet, in DpCt args, CtContext* cx, long nowMs, out CtVerdict verdict)
        where S : struct, IConnSync
    {
        FlowKey* k = &packet->Key;
        ushort zone = args.Zone;
        if (k->CtState != CtState.None && k->CtZone.Host != zone) k->CtState = CtState.None;

        bool translatedBefore = (k->CtState & NatStates) != 0;
        LookUp<S>(cx, translatedBefore, nowMs);
        int id = cx->ConnId;
        if (id < 0)
        {
            MeetGhost(packet, cx, zone, out verdict);
            return true;
        }

        // The search was for the packet's own tuple, and what another thread has added since, the claim will tell.
        bool isFree = id == 0 && !translatedBefore;
        if ((args.Flags & DpCtFlags.Force) != 0 && id != 0)
        {
            bool isInItsWay = _quirks.ReopenedStaysInItsWay && _view.Conn(id)->IsInItsOwnWay;
            id = Force<S>(cx, id, translatedBefore, nowMs);
            if (id == 0 && isInItsWay)
            {
                NotReplaced(packet, args, cx, out verdict);
                return true;
            }
        }

        bool nat = (args.Flags & DpCtFlags.Nat) != 0;
        CtAlg alg = _gateways.AlgOf(packet, args, id);
        bool create = false;
        if (id != 0)
        {
            create = alg == CtAlg.Ftp && _view.Cold(id)->SequenceSkew != 0 ? UpdateSkewed<S>(packet, args, cx, id, nowMs) : UpdateState<S>(packet, cx, id, nowMs);
            if (nat && !create) ConnTranslation.Handle(packet, cx, _view.Conn(id), _view.Addresses(id), zone);
        }
        else if (translatedBefore && !nat && (id = FindByOriginalTuple<S>(packet, cx, nowMs)) != 0)
        {
            cx->ByOriginalTuple = true;
            create = UpdateState<S>(packet, cx, id, nowMs);
        }
        else if (cx->IcmpRelated)
        {
            k->CtState = CtState.Inv;
        }
        else
        {
            create = true;
        }

        bool isExpected = false;
        if (create)
        {
            if (id != 0 && _quirks.ReopenedStaysInItsWay && _view.Conn(id)->IsInItsOwnWay)
            {
                Reopen<S>(packet, args, cx, id, nowMs, out verdict);
                return true;
            }
            if (id != 0)
            {
                _expiry.End<S>(id, nowMs);
                _lock.Release<S>(_view.Conn(id));
            }
            isExpected = _expectations.TryFind<S>(cx->Key, cx->Src6, cx->Dst6, ref _expected);
            int taken = 0;
            id = isFree || IsFree<S>(cx, nowMs, out taken) ? Begin<S>(packet, args, cx, isExpected, nowMs) : taken;
            if (S.IsShared && id < 0)
            {
                Unsafe.SkipInit(out verdict);
                return false;
            }
        }
        WriteMetadata(packet, zone, id, cx, isExpected);
        if (id != 0) ApplyMarkAndLabel<S>(packet, args, cx, id);
        if (alg != CtAlg.None && id != 0 && (_view.Conn(id)->Flags & ConnFlags.HasAlg) != 0)
        {
            // A datagram that is put together for conntrack cannot change its length.
            _gateways.ReadControl<S>(packet, args, cx, id, alg, mayGrow: packet != _defragmenter.Whole);
        }

        RememberConn(packet, cx, id, nat);
        cx->ConnId = id;
        FillVerdict(packet, cx, out verdict);
        if (id == 0) return true;
        if (create) _lock.Release<S>(_view.Conn(id));
        else _lock.ReleaseEstablished<S>(_view.Conn(id), cx->Reply);
        return true;
    }

    /// <summary>
    /// <c>force</c>: an entry that looks the wrong way is replaced by one that begins with this packet. Of translated connections it does
    /// what OVS 3.1 does, where the reply tuple is an entry of its own: an answer found by it stays with its connection, and a packet
    /// that this zone has translated is taken for an answer.
    /// </summary>
    private int Force<S>(CtContext* cx, int id, bool translatedBefore, long nowMs)
        where S : struct, IConnSync
    {
        if ((_view.Conn(id)->Flags & ConnFlags.TwoEntries) != 0 && translatedBefore != cx->Reply)
        {
            if (!translatedBefore) return id;
            _lock.Release<S>(_view.Conn(id));
            cx->Reply = true;
            return 0;
        }
        if (!cx->Reply) return id;
        _expiry.End<S>(id, nowMs);
        _lock.Release<S>(_view.Conn(id));
        cx->Changed = true;
        return 0;
    }

    /// <summary>
    /// Finds the connection (OVS <c>initial_conn_lookup</c>). A packet that this zone has translated already is found by what answers it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void LookUp<S>(CtContext* cx, bool translatedBefore, long nowMs)
        where S : struct, IConnSync
    {
        if (S.IsShared) cx->Claims = ConnClaim.Read(_view, cx->Hash);
        if (!translatedBefore)
        {
            cx->ConnId = _expiry.Find<S>(cx, nowMs, out cx->Reply);
            if (S.IsShared && cx->ConnId < 0) _lock.Release<S>(_view.Conn(-cx->ConnId));
            return;
        }
        cx->ReverseKey();
        int id = cx->ConnId = _expiry.Find<S>(cx, nowMs, out bool reply);
        if (id == 0)
        {
            cx->ReverseKey();
            return;
        }
        cx->Reply = !reply;
        bool isGhost = id < 0;
        if (isGhost) id = -id;
        ConnRecord* c = _view.Conn(id);
        cx->Key = cx->Reply ? c->Rev : c->Fwd;
        if (cx->IsIpv6)
        {
            cx->Src6 = cx->Reply ? _view.Addresses(id)->RevSrc : _view.Addresses(id)->FwdSrc;
            cx->Dst6 = cx->Reply ? _view.Addresses(id)->RevDst : _view.Addresses(id)->FwdDst;
        }
        cx->Hash = _view.Hash.OfKey(cx->Key);
        if (S.IsShared) cx->Claims = ConnClaim.Read(_view, cx->Hash);
        if (!isGhost) return;
        _lock.Release<S>(c);
        id = _expiry.Find<S>(cx, nowMs, out reply);
        if (id > 0) (cx->ConnId, cx->Reply) = (id, reply);
        else if (id < 0) _lock.Release<S>(_view.Conn(-id));
    }

    /// <summary>A packet that this zone translated and whose tuple finds nothing: by the original tuple it carries.</summary>
    private int FindByOriginalTuple<S>(Packet* packet, CtContext* cx, long nowMs)
        where S : struct, IConnSync
    {
        if (!_keys.TryReadOriginal(packet, cx, out ConnKey key, out Ipv6Address src, out Ipv6Address dst)) return 0;
        int id = _expiry.Find<S>(key, &src, &dst, _view.Hash.OfKey(key), nowMs, out _);
        if (id < 0) _lock.Release<S>(_view.Conn(-id));
        return Math.Max(0, id);
    }

    /// <summary>Moves the connection on and says in ct_state what the packet is to it; true if the packet begins another connection.</summary>
    private bool UpdateState<S>(Packet* packet, CtContext* cx, int id, long nowMs)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        ref CtState state = ref packet->Key.CtState;
        if (cx->IcmpRelated)
        {
            state |= CtState.Rel;
            if (cx->Reply) state |= CtState.Rpl;
            return false;
        }
        if ((c->Flags & ConnFlags.Related) != 0) state |= CtState.Rel;
        switch (UpdateL4<S>(cx, id, nowMs))
        {
            case CtUpdate.Valid:
                state = (state | CtState.Est) & ~CtState.New;
                if (cx->Reply) state |= CtState.Rpl;
                break;
            case CtUpdate.ValidNew:
                state |= CtState.New;
                break;
            case CtUpdate.Invalid:
                state = CtState.Inv;
                return false;
            case CtUpdate.New:
                cx->Changed = true;
                return true;
        }
        c->Count(cx->Reply, packet->LengthBytes);
        return false;
    }

    /// <summary>
    /// Moves a connection on, its sequence numbers corrected for what was inserted before: those that answer it before the state machine sees them,
    /// those of its own direction after (OVS <c>conn_update_state_alg</c>).
    /// </summary>
    private bool UpdateSkewed<S>(Packet* packet, in DpCt args, CtContext* cx, int id, long nowMs)
        where S : struct, IConnSync
    {
        bool isSkewed = _gateways.IsSkewed(cx, id);
        if (!isSkewed) _gateways.CorrectSequence(packet, args, cx, id);
        bool create = UpdateState<S>(packet, cx, id, nowMs);
        if (isSkewed && !create) _gateways.CorrectSequence(packet, args, cx, id);
        return create;
    }

    /// <summary>
    /// Moves the state of the connection, then its timeout, then, if the state is another, its generation. Who credits reads the first two the other way round.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private CtUpdate UpdateL4<S>(CtContext* cx, int id, long nowMs)
        where S : struct, IConnSync
    {
        ConnRecord* c = _view.Conn(id);
        Interleaving.Step("R1 found");
        bool isTcp = c->Fwd.Proto == IpProto.Tcp;
        if (isTcp && TcpTracker.TryEstablished(c, cx->L4, cx->L4SizeBytes, cx->Reply, TcpSeqChk))
        {
            c->ExpiryMs = nowMs + _timeouts.Of(c, CtTimeout.TcpEstablished);
            return CtUpdate.Valid;
        }

        (TcpState orig, TcpState answer, ConnL4State other) = (c->Orig.State, c->Reply.State, c->L4State);
        L4Verdict verdict = isTcp ? TcpTracker.Update(c, cx->L4, cx->L4SizeBytes, cx->Reply, TcpSeqChk) : OtherTracker.Update(c, cx->Reply);
        if (verdict.Refreshes) _expiry.Set<S>(id, nowMs + _timeouts.Of(c, verdict.Timeout));
        bool hasMoved = orig != c->Orig.State || answer != c->Reply.State || other != c->L4State;
        if (verdict.Update != CtUpdate.New && hasMoved) _slots.Invalidate<S>(id);
        return verdict.Update;
    }
}
