using Mergeflow.Engine.Actions;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnThread
{
    /// <summary>Takes over a connection of another run, while no packet thread runs; false if its tuple is taken or there is no room.</summary>
    internal bool TryRestore(SavedConn saved, in ConnKey fwd, in ConnKey rev, long nowMs)
        => _isShared ? TryRestore<SharedSync>(saved, fwd, rev, nowMs) : TryRestore<AloneSync>(saved, fwd, rev, nowMs);

    private bool TryRestore<S>(SavedConn saved, in ConnKey fwd, in ConnKey rev, long nowMs)
        where S : struct, IConnSync
    {
        ConnAddresses addresses = default;
        if (saved.Orig.IsIpv6) addresses = new ConnAddresses { FwdSrc = saved.Orig.Src, FwdDst = saved.Orig.Dst, RevSrc = saved.Reply.Src, RevDst = saved.Reply.Dst };
        ulong hash = _view.Hash.OfKey(fwd);
        if (_expiry.Look<S>(fwd, &addresses.FwdSrc, &addresses.FwdDst, hash, nowMs) != 0) return false;
        if (_expiry.Look<S>(rev, &addresses.RevSrc, &addresses.RevDst, _view.Hash.OfKey(rev), nowMs) != 0) return false;
        if (!_zones.TryEnter<S>(saved.Zone, out ConnFlags admitted, out uint admitSeq)) return false;
        int id = _expiry.HasRoom<S>(nowMs) ? _slots.Allocate<S>() : 0;
        if (id == 0)
        {
            _zones.Leave<S>(saved.Zone, admitted, admitSeq);
            return false;
        }

        ConnRecord* c = _view.Conn(id);
        _lock.Take<S>(c);
        (c->Fwd, c->Rev, c->Nat) = (fwd, rev, (NatKind)saved.Nat);
        *_view.Addresses(id) = addresses;
        (c->Mark, c->Label, c->L4State, c->TimeoutRow) = (saved.Mark, saved.Label, (ConnL4State)saved.L4State, 0);
        (c->Orig, c->Reply) = (Restored(saved.OrigPeer), Restored(saved.ReplyPeer));
        (c->OrigPackets, c->OrigBytes, c->ReplyPackets, c->ReplyBytes) = saved.Counts;
        ConnFlags flags = ConnFlags.Live | admitted;
        if (saved.HasAlg) flags |= ConnFlags.HasAlg;
        if (saved.SkewsReply) flags |= ConnFlags.SkewsReply;
        c->Flags = S.LocksRecords ? flags | ConnFlags.Locked : flags;
        ConnCold* cold = _view.Cold(id);
        (cold->SequenceSkew, cold->HwOrig, cold->HwReply, cold->AdmitSeq) = (saved.SequenceSkew, default, default, admitSeq);
        c->ExpiryMs = nowMs + saved.LeftMs;
        _expiry.Add(id, nowMs);
        _slots.Begin(id);
        bool isIn = _table.Insert<S>(id, hash, _slots);
        if (isIn)
        {
            _lock.Release<S>(c);
            return true;
        }

        _expiry.TakeBack(id);
        Close<S>(c);
        _zones.Leave<S>(saved.Zone, admitted, admitSeq);
        _slots.Return<S>(id);
        return false;
    }

    private static TcpPeer Restored(in SavedPeer peer) => new() { SeqLo = peer.SeqLo, SeqHi = peer.SeqHi, MaxWin = peer.MaxWin, WScale = peer.WScale, State = peer.State };
}
