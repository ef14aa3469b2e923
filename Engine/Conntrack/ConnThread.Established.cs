using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>
/// The packet that conntrack exists for: TCP or UDP of a connection that is established both ways, not seen by conntrack before, with
/// nothing to set. Its tuple is read from the parsed key (three loads: the key has the ports behind the addresses), its checks are
/// those of the general way in another order. Whatever is not as expected goes the general way, and nothing was changed by then.
/// </remarks>
public sealed unsafe partial class ConnThread
{
    private const DpCtFlags NotPlain = DpCtFlags.Force | DpCtFlags.AlgFtp | DpCtFlags.AlgTftp;

    /// <summary>Does the whole job for an ordinary packet of an established connection; false = nothing was done.</summary>
    [SkipLocalsInit]
    private bool TryExecuteEstablished<S>(Packet* packet, in DpCt args, long nowMs, ulong hash, out CtVerdict verdict)
        where S : struct, IConnSync
    {
        Unsafe.SkipInit(out verdict);
        FlowKey* k = &packet->Key;
        byte proto = k->NwProto;
        bool isIpv6 = k->DlType.Raw == CtHeaders.Ipv6Raw;
        if (k->CtState != CtState.None || (proto != IpProto.Tcp && proto != IpProto.Udp) || packet->L4Offset == Packet.NoOffset) return false;
        if ((args.Flags & NotPlain) != 0 || args.MarkMask != 0 || !args.LabelMask.IsZero) return false;
        if (!isIpv6 && k->DlType.Raw != CtHeaders.Ipv4Raw) return false;

        byte* l3 = packet->Data + packet->L3Offset;
        byte* l4 = packet->Data + packet->L4Offset;
        int l4SizeBytes = packet->LengthBytes - packet->L2PadBytes - packet->L4Offset;
        if (!ConnKeyReader.IsPlain(packet, l3, l4, l4SizeBytes, proto, isIpv6)) return false;

        ConnKey key = isIpv6 ? _keys.OfIpv6(k, args.Zone) : ConnKeyReader.OfIpv4(k, args.Zone);
        if ((key.Ports & 0xffff) == 0 || key.Ports >> 16 == 0) return false;
        if (hash == 0) hash = _view.Hash.OfKey(key);
        int id = _view.FindFirst(key, hash, out bool reply);
        if (id == 0) return false;
        ConnRecord* c = _view.Conn(id);
        _lock.Take<S>(c);
        bool isOther = S.IsShared && !ConnKey.Same(reply ? c->Rev : c->Fwd, key);
        if (isOther || nowMs >= c->ExpiryMs || (c->Flags & (ConnFlags.HasAlg | ConnFlags.Related)) != 0) return Refuse<S>(c);
        if (isIpv6 && !_view.SameAddresses(id, k->Ipv6Src, k->Ipv6Dst, ref reply)) return Refuse<S>(c);

        bool tcp = proto == IpProto.Tcp;
        if (!tcp && c->L4State != ConnL4State.Bidir) return Refuse<S>(c);
        if (!ConnKeyReader.AreChecksumsRight(packet, l3, l4, l4SizeBytes, proto, isIpv6)) return Refuse<S>(c);
        Interleaving.Step("R1 found");
        if (tcp)
        {
            if (!TcpTracker.TryEstablished(c, l4, l4SizeBytes, reply, TcpSeqChk)) return Refuse<S>(c);
            SetExpiry<S>(c, nowMs + _timeouts.Of(c, CtTimeout.TcpEstablished));
        }
        else
        {
            SetExpiry<S>(c, nowMs + _timeouts.Of(c, CtTimeout.OtherBidir));
        }
        c->Count(reply, packet->LengthBytes);

        bool nat = (args.Flags & DpCtFlags.Nat) != 0;
        k->CtState = reply ? CtState.Est | CtState.Rpl : CtState.Est;
        verdict.Translated = false;
        if (nat && c->Nat != NatKind.None)
        {
            verdict.Translated = true;
            ConnTranslation.TranslatePlain(packet, c, _view.Addresses(id), l3, l4, l4SizeBytes, reply, isIpv6);
        }
        ConnMetadata.WriteEstablished(packet, c, args.Zone);
        if (isIpv6) ConnMetadata.WriteAddressesIpv6(packet, _view.Addresses(id));
        packet->CtConnRef = nat ? 0 : id + 1;
        packet->CtConnBirth = c->Birth;
        packet->CtConnFlags = (byte)(reply ? 1 : 0);

        verdict.ConnId = id;
        verdict.Generation = c->Generation;
        verdict.State = k->CtState;
        verdict.Reply = reply;
        verdict.Disposition = CtDisposition.Continue;
        verdict.Changed = false;
        verdict.Offloadable = true;
        verdict.Cached = verdict.ByOriginalTuple = verdict.HasAlg = false;
        verdict.Zone = args.Zone;
        verdict.Mark = c->Mark;
        verdict.Label = c->Label;
        _lock.ReleaseEstablished<S>(c, reply);
        ConnMetadata.WriteAddressesAfter(k, isIpv6, ref verdict);
        return true;
    }

    /// <summary>Of threads that share a connection, none takes the others the line in which the time stands if it is the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetExpiry<S>(ConnRecord* c, long expiryMs)
        where S : struct, IConnSync
    {
        if (!S.IsShared || c->ExpiryMs != expiryMs) c->ExpiryMs = expiryMs;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Refuse<S>(ConnRecord* c)
        where S : struct, IConnSync
    {
        _lock.Release<S>(c);
        return false;
    }
}
