using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnThread
{
    /// <summary>In place of a connection: another thread has added one since the packet looked, and it has to look again.</summary>
    private const int LookAgain = -1;

    /// <summary>There are fewer connections than <see cref="MaxConnections"/>; other threads may count at the same time.</summary>
    private bool MayBegin()
    {
        int count = 0;
        foreach (ConnSlots slots in _owners) count += slots.Begun;
        return count < MaxConnections;
    }

    /// <summary>
    /// A packet without a connection (OVS <c>conn_not_found</c>): +new, or +inv if it cannot begin one. With <c>commit</c> the connection
    /// is made and the packet translated. Returns its id, and holds it; 0 = none.
    /// </summary>
    [SkipLocalsInit]
    private int Begin<S>(Packet* packet, in DpCt args, CtContext* cx, bool isExpected, long nowMs)
        where S : struct, IConnSync
    {
        bool tcp = cx->Key.Proto == IpProto.Tcp;
        if (!(tcp ? TcpTracker.IsValidNew(cx->L4) : OtherTracker.IsValidNew(cx->Key.Proto, cx->L4, cx->L4SizeBytes)))
        {
            packet->Key.CtState = CtState.Inv;
            return 0;
        }
        packet->Key.CtState = isExpected ? CtState.New | CtState.Rel : CtState.New;
        if ((args.Flags & (DpCtFlags.Commit | DpCtFlags.Force)) == 0) return 0;

        if (!_zones.TryEnter<S>(args.Zone, out ConnFlags admitted, out uint admitSeq))
        {
            RefusedByZoneLimit++;
            return 0;
        }

        int id = (MaxConnections == int.MaxValue || MayBegin()) && _expiry.HasRoom<S>(nowMs) ? _slots.Allocate<S>() : 0;
        if (id == 0)
        {
            _zones.Leave<S>(args.Zone, admitted, admitSeq);
            RefusedByFullTable++;
            return 0;
        }

        // Until it is claimed and held, a slot may be looked at by who found its last connection: only tuples are written.
        ConnRecord* c = _view.Conn(id);
        WriteTuples(c, cx, id);
        var claim = new ConnClaim(_view, cx->Hash, cx->Claims);
        if (TryChooseTuples<S>(id, args, isExpected, ref claim, nowMs))
        {
            Open<S>(c, id, packet, args, cx, isExpected, admitted, nowMs);
            _view.Cold(id)->AdmitSeq = admitSeq;
            _expiry.Add(id, nowMs);
            _slots.Begin(id);
            bool isIn = _table.Insert<S>(id, cx->Hash, _slots);
            claim.Release<S>();
            if (isIn)
            {
                c->Count(reply: false, packet->LengthBytes);
                if (c->Nat != NatKind.None) ConnTranslation.Translate(packet, cx, c, _view.Addresses(id), reply: false);
                cx->Changed = true;
                cx->Reply = false;
                return id;
            }

            _expiry.TakeBack(id);
            Close<S>(c);
        }

        _zones.Leave<S>(args.Zone, admitted, admitSeq);
        _slots.Return<S>(id);
        if (claim.IsLost) return LookAgain;
        RefusedByNat++;
        return 0;
    }

    /// <summary>Has no connection the packet's tuple? If one has, <paramref name="taken"/> says what becomes of the packet: no connection, or another look.</summary>
    private bool IsFree<S>(CtContext* cx, long nowMs, out int taken)
        where S : struct, IConnSync
    {
        int id = _expiry.Look<S>(cx->Key, &cx->Src6, &cx->Dst6, cx->Hash, nowMs);
        taken = S.IsShared && id > 0 && ConnClaim.Read(_view, cx->Hash) != cx->Claims ? LookAgain : 0;
        return id == 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WriteTuples(ConnRecord* c, CtContext* cx, int id)
    {
        c->Fwd = cx->Key;
        c->Rev = cx->Key.Reverse();
        c->Nat = NatKind.None;
        if (!cx->IsIpv6) return;
        ConnAddresses* a = _view.Addresses(id);
        a->FwdSrc = a->RevDst = cx->Src6;
        a->FwdDst = a->RevSrc = cx->Dst6;
    }

    /// <summary>Settles the reply tuple and claims both; false if there is none that is free, or if the claim is lost.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryChooseTuples<S>(int id, in DpCt args, bool isExpected, ref ConnClaim claim, long nowMs)
        where S : struct, IConnSync
    {
        bool nat = (args.Flags & DpCtFlags.Nat) != 0;
        if (!isExpected && nat && (args.Nat != NatKind.None || _quirks.NatWithoutAddressLosesAnswers)) return _nat.TryChoose<S>(id, args, ref claim, nowMs);
        if (isExpected && nat) _expectations.Translate(id, _expected);
        if (!S.IsShared || ConnTable.HasOneTuple(_view.Conn(id))) return !S.IsShared || claim.TryTake<S>();

        // Nobody asks whether the reply tuple of an expected connection is free; but who asks for another must hear of it.
        ulong hash = _view.Hash.OfKey(_view.Conn(id)->Rev);
        while (!claim.IsLost)
        {
            if (claim.TryTake<S>(hash, ConnClaim.ReadFree(_view, _lock, hash))) return true;
        }

        return false;
    }

    /// <summary>Holds the record of a new connection and writes what is not a tuple.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Open<S>(ConnRecord* c, int id, Packet* packet, in DpCt args, CtContext* cx, bool isExpected, ConnFlags admitted, long nowMs)
        where S : struct, IConnSync
    {
        _lock.Take<S>(c);
        c->Label = default;
        c->Mark = 0;
        c->OrigPackets = c->ReplyPackets = c->OrigBytes = c->ReplyBytes = 0;
        c->L4State = ConnL4State.First;
        ConnFlags flags = ConnFlags.Live | admitted;
        if (ConnGateways.IsControl(packet, args)) flags |= ConnFlags.HasAlg;
        if (isExpected)
        {
            flags |= ConnFlags.Related;
            _expectations.Inherit<S>(id, _expected);
        }

        c->Flags = S.LocksRecords ? flags | ConnFlags.Locked : flags;
        c->TimeoutRow = _timeouts.RowOf(args.TimeoutPolicy, args.Zone);
        ConnCold* cold = _view.Cold(id);
        cold->SequenceSkew = 0;
        cold->HwOrig = cold->HwReply = default;
        CtTimeout timeout = CtTimeout.OtherFirst;
        if (cx->Key.Proto == IpProto.Tcp)
        {
            TcpTracker.Begin(c, cx->L4, cx->L4SizeBytes);
            timeout = CtTimeout.TcpFirstPacket;
        }
        else if (OtherTracker.IsIcmp(cx->Key.Proto))
        {
            timeout = CtTimeout.IcmpFirst;
        }
        c->ExpiryMs = nowMs + _timeouts.Of(c, timeout);
    }

    /// <summary>It has found no place in the index.</summary>
    private void Close<S>(ConnRecord* c)
        where S : struct, IConnSync
    {
        c->Flags = S.LocksRecords ? ConnFlags.Locked : ConnFlags.None;
        c->ExpiryMs = 0;
        _lock.Release<S>(c);
    }
}
