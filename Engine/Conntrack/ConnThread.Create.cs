using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnThread
{
    /// <summary>
    /// A packet without a connection (OVS <c>conn_not_found</c>): +new, or +inv if it cannot begin one. With <c>commit</c> the connection
    /// is made and the packet translated. Returns its id, 0 = none.
    /// </summary>
    private int Create(Packet* packet, in DpCt args, CtContext* cx, int expectation, long nowMs)
    {
        bool tcp = cx->Key.Proto == IpProto.Tcp;
        if (!(tcp ? TcpTracker.IsValidNew(cx->L4) : OtherTracker.IsValidNew(cx->Key.Proto, cx->L4, cx->L4SizeBytes)))
        {
            packet->Key.CtState = CtState.Inv;
            return 0;
        }
        packet->Key.CtState = expectation == 0 ? CtState.New : CtState.New | CtState.Rel;
        if ((args.Flags & (DpCtFlags.Commit | DpCtFlags.Force)) == 0) return 0;

        ushort zone = args.Zone;
        if (!_zones.MayEnter(zone))
        {
            RefusedByZoneLimit++;
            return 0;
        }

        int id = _expiry.HasRoom(nowMs) ? _table.Allocate() : 0;
        if (id == 0)
        {
            RefusedByFullTable++;
            return 0;
        }

        ConnRecord* c = _view.Conn(id);
        c->Fwd = cx->Key;
        c->Rev = cx->Key.Reverse();
        c->Label = default;
        c->Mark = 0;
        c->OrigPackets = c->ReplyPackets = c->OrigBytes = c->ReplyBytes = 0;
        c->Nat = NatKind.None;
        c->L4State = ConnL4State.First;
        c->Flags = ConnGateways.IsControl(packet, args) ? ConnFlags.Live | ConnFlags.HasAlg : ConnFlags.Live;
        c->TimeoutRow = _timeouts.RowOf(args.TimeoutPolicy);
        ConnCold* cold = _view.Cold(id);
        cold->SequenceSkew = 0;
        cold->HwOrig = cold->HwReply = default;
        if (cx->IsIpv6)
        {
            ConnAddresses* a = _view.Addresses(id);
            a->FwdSrc = a->RevDst = cx->Src6;
            a->FwdDst = a->RevSrc = cx->Dst6;
        }
        CtTimeout timeout = CtTimeout.OtherFirst;
        if (tcp)
        {
            TcpTracker.Begin(c, cx->L4, cx->L4SizeBytes);
            timeout = CtTimeout.TcpFirstPacket;
        }
        else if (OtherTracker.IsIcmp(cx->Key.Proto))
        {
            timeout = CtTimeout.IcmpFirst;
        }
        c->ExpiryMs = nowMs + _timeouts.Of(c, timeout);

        if (expectation != 0)
        {
            _expectations.Relate(id, expectation, (args.Flags & DpCtFlags.Nat) != 0);
        }
        else if ((args.Flags & DpCtFlags.Nat) != 0 && (args.Nat != NatKind.None || _quirks.NatWithoutAddressLosesAnswers))
        {
            if (!_nat.TryChoose(id, args, nowMs))
            {
                ReturnConn(id);
                return 0;
            }
        }
        if (!_table.Insert(id, cx->Hash))
        {
            ReturnConn(id);
            return 0;
        }
        _expiry.Add(id, nowMs);
        _zones.Enter(c, cold, zone);
        _table.Begin(id);
        c->Count(reply: false, packet->LengthBytes);
        if (c->Nat != NatKind.None) ConnTranslation.Translate(packet, cx, c, _view.Addresses(id), reply: false);
        cx->Changed = true;
        cx->Reply = false;
        return id;
    }

    /// <summary>Gives back a slot that never got into the table.</summary>
    private void ReturnConn(int id)
    {
        _table.Return(id);
        RefusedByNat++;
    }
}
