using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>What conntrack would make of a packet, for who checks others: the packet changes, connections do not.</remarks>
public sealed unsafe partial class ConnThread
{
    /// <summary>
    /// Sets the packet's ct_* fields and translates it as <see cref="Execute(Packet*, in DpCt, long, out CtVerdict)"/> would, without any effect on connections, their times and counters among them. On the thread of this object.
    /// Records are copied without their locks: where another thread changes one at the same time, the answer may be neither the one nor the other.
    /// </summary>
    /// <returns>Null, or what the packet would begin, end or be held for: then it is as it was.</returns>
    internal string? DryRun(Packet* packet, in DpCt args, long nowMs)
    {
        if (packet->Key.NwFrag != NwFrag.No) return "a fragment is held";
        CtContext cx = default;
        ushort zone = args.Zone;
        if (!_keys.TryRead(packet, zone, &cx))
        {
            Reject(packet, zone, out _);
            return null;
        }

        FlowKey* k = &packet->Key;
        ConnRecord copy;
        int id = packet->CtConnRef - 1;
        bool isCached = (k->CtState & CtState.Trk) != 0 && (args.Flags & DpCtFlags.Force) == 0 && (uint)id <= (uint)_view.Capacity && id > 0;
        if (isCached && (copy = *_view.Conn(id)).Birth == packet->CtConnBirth && (copy.Flags & ConnFlags.Live) != 0 && copy.Fwd.Zone == zone)
        {
            cx.Reply = (packet->CtConnFlags & 1) != 0;
            cx.IcmpRelated = (packet->CtConnFlags & 2) != 0;
            if ((args.Flags & DpCtFlags.Nat) != 0)
            {
                ConnTranslation.Handle(packet, &cx, &copy, _view.Addresses(id), zone);
                packet->CtConnRef = 0;
            }

            k->CtZone = Be16.FromHost(zone);
            k->CtMark = Be32.FromHost(copy.Mark);
            k->CtLabel = copy.Label;
            ConnMetadata.Apply(packet, args, &copy);
            return null;
        }

        CtState before = k->CtState;
        if (before != CtState.None && k->CtZone.Host != zone) k->CtState = CtState.None;
        bool isTranslated = (k->CtState & NatStates) != 0;
        cx.Hash = _view.Hash.OfKey(cx.Key);
        if (isTranslated) cx.ReverseKey();
        id = FindLive(&cx, nowMs, out cx.Reply);
        if (isTranslated) cx.Reply = !cx.Reply;
        if (id == 0)
        {
            k->CtState = before;
            return cx.IcmpRelated ? "an error about no connection" : "a connection begins";
        }

        copy = *_view.Conn(id);
        if ((args.Flags & DpCtFlags.Force) != 0 && cx.Reply) return "a connection begins anew";
        if ((copy.Flags & (ConnFlags.HasAlg | ConnFlags.Related)) != 0) return "a gateway looks at it";
        if (cx.IcmpRelated)
        {
            k->CtState |= cx.Reply ? CtState.Rel | CtState.Rpl : CtState.Rel;
        }
        else
        {
            CtUpdate update = copy.Fwd.Proto == IpProto.Tcp ? TcpTracker.Update(&copy, cx.L4, cx.L4SizeBytes, cx.Reply, TcpSeqChk).Update : OtherTracker.Update(&copy, cx.Reply).Update;
            switch (update)
            {
                case CtUpdate.Valid:
                    k->CtState = (k->CtState | CtState.Est) & ~CtState.New;
                    if (cx.Reply) k->CtState |= CtState.Rpl;
                    break;
                case CtUpdate.ValidNew:
                    k->CtState |= CtState.New;
                    break;
                case CtUpdate.Invalid:
                    k->CtState = CtState.Inv;
                    break;
                default:
                    return "a connection begins anew";
            }
        }

        bool nat = (args.Flags & DpCtFlags.Nat) != 0;
        if (nat) ConnTranslation.Handle(packet, &cx, &copy, _view.Addresses(id), zone);
        ConnMetadata.Write(packet, zone, &copy, copy.Fwd, _view.Addresses(id)->FwdSrc, _view.Addresses(id)->FwdDst);
        ConnMetadata.Apply(packet, args, &copy);
        RememberConn(packet, &cx, id, nat);
        return null;
    }

    /// <summary>The connection of a tuple that has not expired; 0 = none. Nothing is held.</summary>
    private int FindLive(CtContext* cx, long nowMs, out bool reply)
    {
        ConnView.Cursor search = _view.Search(cx->Hash);
        while (search.Next(cx->Key, &cx->Src6, &cx->Dst6, out int id, out reply))
        {
            ConnRecord* c = _view.Conn(id);
            if ((c->Flags & ConnFlags.Live) != 0 && c->ExpiryMs > nowMs) return id;
        }

        return 0;
    }
}
