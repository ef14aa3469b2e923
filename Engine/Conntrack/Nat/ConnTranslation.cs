using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Makes packets look as their connection's tuples demand.</summary>
internal static unsafe class ConnTranslation
{
    private const CtState NatStates = CtState.SNat | CtState.DNat;

    /// <summary>Translates a packet of a known connection unless this zone did so already (OVS <c>handle_nat</c>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Handle(Packet* packet, CtContext* cx, ConnRecord* c, ConnAddresses* a, ushort zone)
    {
        if (c->Nat == NatKind.None) return;
        if ((packet->Key.CtState & NatStates) != 0)
        {
            if (packet->Key.CtZone.Host == zone) return;
            packet->Key.CtState &= ~NatStates;
        }
        Translate(packet, cx, c, a, cx->Reply);
    }

    /// <summary>
    /// Makes the packet look as the other direction's tuple demands (OVS <c>nat_packet</c>): SNAT rewrites the source of the original
    /// direction and the destination of the reply, DNAT the other two; ports are rewritten on both sides.
    /// </summary>
    public static void Translate(Packet* packet, CtContext* cx, ConnRecord* c, ConnAddresses* a, bool reply)
    {
        bool source = (c->Nat == NatKind.Src) != reply;
        packet->Key.CtState |= source ? CtState.SNat : CtState.DNat;
        cx->Translated = true;
        ConnKey* other = reply ? &c->Fwd : &c->Rev;
        if (cx->IsIpv6)
        {
            Ipv6Address* address = source ? (reply ? &a->FwdDst : &a->RevDst) : (reply ? &a->FwdSrc : &a->RevSrc);
            ConnNat.SetIpv6(packet, cx->L3, cx->L4, cx->L4SizeBytes, c->Fwd.Proto, source, address);
            if (cx->IcmpRelated)
            {
                ConnNatQuoted.TranslateIpv6(packet, cx, other, reply ? &a->FwdSrc : &a->RevSrc, reply ? &a->FwdDst : &a->RevDst, quotedSource: !source);
                return;
            }
        }
        else
        {
            ConnNat.SetIpv4(packet, cx->L3, cx->L4, cx->L4SizeBytes, source, source ? other->Dst : other->Src);
            if (cx->IcmpRelated)
            {
                ConnNatQuoted.TranslateIpv4(packet, cx, other, quotedSource: !source);
                return;
            }
        }
        if (c->HasIcmpId) ConnNat.WriteIcmpId(cx->L4, other->SrcPort);
        else ConnNat.SetPorts(packet, cx->L4, other->Proto, other->DstPort, other->SrcPort);
    }

    /// <summary><see cref="Translate"/> for a packet that is no ICMP error.</summary>
    public static void TranslatePlain(Packet* packet, ConnRecord* c, ConnAddresses* a, byte* l3, byte* l4, int l4SizeBytes, bool reply, bool isIpv6)
    {
        bool source = (c->Nat == NatKind.Src) != reply;
        packet->Key.CtState |= source ? CtState.SNat : CtState.DNat;
        ConnKey* other = reply ? &c->Fwd : &c->Rev;
        if (isIpv6)
        {
            ConnNat.SetIpv6(packet, l3, l4, l4SizeBytes, c->Fwd.Proto, source, source ? (reply ? &a->FwdDst : &a->RevDst) : (reply ? &a->FwdSrc : &a->RevSrc));
        }
        else
        {
            ConnNat.SetIpv4(packet, l3, l4, l4SizeBytes, source, source ? other->Dst : other->Src);
        }
        ConnNat.SetPorts(packet, l4, other->Proto, other->DstPort, other->SrcPort);
    }
}
