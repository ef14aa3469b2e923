using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Gateways for FTP and TFTP: reads what control connections announce.</summary>
/// <remarks>
/// What a control connection announces is expected (<see cref="Expectations"/>); NAT puts the outer address into
/// the message, and from then on sequence numbers of one direction are off by the difference in length. Control connections are never offloaded.
/// </remarks>
internal sealed unsafe class ConnGateways
{
    private const ushort FtpPort = 21;
    private const ushort TftpPort = 69;

    private readonly ConnView _view;
    private readonly Expectations _expectations;
    private readonly bool _forgets;
    private readonly bool _misreadTagged;

    public ConnGateways(in ConnView view, Expectations expectations, Quirks quirks)
    {
        _view = view;
        _expectations = expectations;
        _forgets = quirks.ForgetsGateways;
        _misreadTagged = quirks.GatewaysMisreadTaggedIpv6;
    }

    /// <summary>
    /// Does the packet look like control traffic of a gateway (OVS <c>get_alg_ctl_type</c>)? Such a packet passes the state machine at
    /// every <c>ct</c>. An action without <c>alg</c> means the one that connection <paramref name="id"/> (0 = none) was committed with; OVS does so since 3.3, and one that repeats 3.1 does not.
    /// </summary>
    public CtAlg AlgOf(Packet* packet, in DpCt args, int id)
    {
        bool kept = id != 0 && !_forgets && (args.Flags & (DpCtFlags.AlgFtp | DpCtFlags.AlgTftp)) == 0 && (_view.Conn(id)->Flags & ConnFlags.HasAlg) != 0;
        FlowKey* k = &packet->Key;
        CtAlg alg = k->NwProto switch
        {
            IpProto.Udp when k->TpDst.Host == TftpPort || kept || (args.Flags & DpCtFlags.AlgTftp) != 0 => CtAlg.Tftp,
            IpProto.Tcp when k->TpDst.Host == FtpPort || k->TpSrc.Host == FtpPort || kept || (args.Flags & DpCtFlags.AlgFtp) != 0 => CtAlg.Ftp,
            _ => CtAlg.None,
        };
        return alg == CtAlg.None || k->DlType.Raw != CtHeaders.Ipv6Raw || NamesProtocol(packet) ? alg : CtAlg.None;
    }

    /// <summary>
    /// The gateways do not look behind extension headers of IPv6. Those of OVS 3.1 do not look behind VLAN tags either: they take what follows for
    /// IPv4, whose protocol is where the source address is.
    /// </summary>
    private bool NamesProtocol(Packet* packet)
    {
        bool isTagged = Unsafe.ReadUnaligned<ushort>(packet->Data + 12) != CtHeaders.Ipv6Raw;
        return packet->Data[packet->L3Offset + (isTagged && _misreadTagged ? 9 : 6)] == packet->Key.NwProto;
    }

    /// <summary>Is the packet the first of a control connection, as the action's <c>alg</c> says (OVS <c>ct_verify_helper</c>)?</summary>
    public static bool IsControl(Packet* packet, in DpCt args)
        => (args.Flags & (DpCtFlags.AlgFtp | DpCtFlags.AlgTftp)) != 0
            && packet->Key.NwProto == ((args.Flags & DpCtFlags.AlgFtp) != 0 ? IpProto.Tcp : IpProto.Udp);

    /// <summary>
    /// Are the sequence numbers of this packet's direction the ones that are off? They are corrected behind the state machine, those that answer them in
    /// front of it (OVS <c>conn_update_state_alg</c>).
    /// </summary>
    public bool IsSkewed(CtContext* cx, int id) => cx->Reply == ((_view.Conn(id)->Flags & ConnFlags.SkewsReply) != 0);

    /// <summary>Corrects the numbers of a packet for what was inserted before. What announces something anew is left to <see cref="ReadControl"/>.</summary>
    public void CorrectSequence(Packet* packet, in DpCt args, CtContext* cx, int id)
    {
        if ((args.Flags & DpCtFlags.Nat) == 0 || FtpMessage.Read(PayloadOf(cx), cx->IsIpv6).Kind != FtpMessageKind.Other) return;
        AddSkew(cx, id);
        WriteTcpChecksum(packet, cx);
    }

    private void AddSkew(CtContext* cx, int id)
    {
        int skew = _view.Cold(id)->SequenceSkew;
        if (skew == 0) return;
        bool sameDirection = IsSkewed(cx, id);
        byte* number = cx->L4 + (sameDirection ? 4 : 8);
        uint old = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(number));
        Unsafe.WriteUnaligned(number, BinaryPrimitives.ReverseEndianness(sameDirection ? old + (uint)skew : old - (uint)skew));
    }

    /// <summary>
    /// A packet of a control connection has been dealt with: does it announce another connection (OVS <c>handle_alg_ctl</c>)? Its length changes only if it
    /// <paramref name="mayGrow"/>.
    /// </summary>
    public void ReadControl<S>(Packet* packet, in DpCt args, CtContext* cx, int id, CtAlg alg, bool mayGrow)
        where S : struct, IConnSync
    {
        bool fromReply = (packet->Key.CtState & CtState.Rpl) != 0;
        if (alg == CtAlg.Tftp)
        {
            _expectations.Expect<S>(id, fromReply, _view.Conn(id)->Fwd.SrcPort);
            return;
        }

        FtpMessage message = FtpMessage.Read(PayloadOf(cx), cx->IsIpv6);
        if (message.Kind == FtpMessageKind.Other) return;
        Span<byte> replacement = stackalloc byte[Ipv6Wire.LongestBytes];
        int size = 0;
        bool isOurs = message.Kind == FtpMessageKind.Announcement
            && (cx->IsIpv6 ? TryReplaceIpv6(message, id, replacement, out size) : TryReplaceIpv4(message, id, replacement, out size));
        if (!isOurs)
        {
            packet->Key.CtState |= CtState.Trk | CtState.Inv;
            return;
        }

        _expectations.Expect<S>(id, fromReply, BinaryPrimitives.ReverseEndianness(message.Port));
        if ((args.Flags & DpCtFlags.Nat) == 0) return;

        int growth = !mayGrow || message.AddressSizeBytes == 0 ? 0 : ReplaceAddress(packet, cx, message, replacement[..size]);
        AddSkew(cx, id);
        WriteTcpChecksum(packet, cx);
        if (growth == 0) return;
        _view.Cold(id)->SequenceSkew += growth;
        ConnRecord* c = _view.Conn(id);
        if (cx->Reply) c->Flags |= ConnFlags.SkewsReply;
        else c->Flags &= ~ConnFlags.SkewsReply;
    }

    /// <summary>The address that goes into the message; false if the message has one that is neither the announcing host's nor that.</summary>
    private bool TryReplaceIpv4(in FtpMessage message, int id, Span<byte> text, out int size)
    {
        ConnRecord* c = _view.Conn(id);
        uint outer = message.IsPassive ? c->Fwd.Dst : c->Rev.Dst;
        uint own = message.IsPassive ? c->Rev.Src : c->Fwd.Src;
        size = Ipv6Wire.WriteIpv4(text, BinaryPrimitives.ReverseEndianness(outer), (byte)',');
        return message.Address == own || message.Address == outer;
    }

    /// <summary>The same for EPRT; the reply 229 has no address.</summary>
    private bool TryReplaceIpv6(in FtpMessage message, int id, Span<byte> text, out int size)
    {
        ConnAddresses* a = _view.Addresses(id);
        size = message.IsPassive ? 0 : Ipv6Wire.Write(text, a->RevDst);
        return message.IsPassive || message.Address6 == a->FwdSrc || message.Address6 == a->RevDst;
    }

    private static ReadOnlySpan<byte> PayloadOf(CtContext* cx)
    {
        int header = (cx->L4[12] >> 4) * 4;
        return new ReadOnlySpan<byte>(cx->L4 + header, Math.Max(0, cx->L4SizeBytes - header));
    }

    /// <summary>
    /// Writes another address into the message; the bytes in front of it move, so that nothing behind the packet is needed. Returns by how much it grew,
    /// 0 also if there is no room.
    /// </summary>
    private static int ReplaceAddress(Packet* packet, CtContext* cx, in FtpMessage message, ReadOnlySpan<byte> text)
    {
        int growth = text.Length - message.AddressSizeBytes;
        if (growth > packet->HeadroomBytes) return 0;
        byte* at = cx->L4 + ((cx->L4[12] >> 4) * 4) + message.AddressAt;
        if (growth != 0)
        {
            long front = at - packet->Data;
            Buffer.MemoryCopy(packet->Data, packet->Data - growth, front, front);
            packet->Data -= growth;
            packet->HeadroomBytes = (ushort)(packet->HeadroomBytes - growth);
            packet->LengthBytes += growth;
            cx->L3 -= growth;
            cx->L4 -= growth;
            cx->L4SizeBytes += growth;
            if (cx->IsIpv6) Unsafe.WriteUnaligned(cx->L3 + 4, Grown(cx->L3 + 4, growth));
            else GrowIpv4(cx->L3, growth);
        }

        text.CopyTo(new Span<byte>(at - growth, text.Length));
        return growth;
    }

    private static void GrowIpv4(byte* l3, int growth)
    {
        ushort old = Unsafe.ReadUnaligned<ushort>(l3 + 2);
        ushort length = Grown(l3 + 2, growth);
        Unsafe.WriteUnaligned(l3 + 2, length);
        Unsafe.WriteUnaligned(l3 + 10, InternetChecksum.Recalc16(Unsafe.ReadUnaligned<ushort>(l3 + 10), old, length));
    }

    /// <summary>A length in network order, larger.</summary>
    private static ushort Grown(byte* length, int growth) => BinaryPrimitives.ReverseEndianness((ushort)(CtHeaders.Read16(length) + growth));

    private static void WriteTcpChecksum(Packet* packet, CtContext* cx)
    {
        Unsafe.WriteUnaligned(cx->L4 + 16, (ushort)0);
        uint seed = cx->IsIpv6
            ? InternetChecksum.PseudoHeaderV6(cx->L3 + 8, cx->L3 + 24, IpProto.Tcp, (uint)cx->L4SizeBytes)
            : InternetChecksum.PseudoHeaderV4(cx->L3);
        if ((packet->Flags & PacketFlags.CsumPartial) == 0)
        {
            Unsafe.WriteUnaligned(cx->L4 + 16, InternetChecksum.Fold(InternetChecksum.Sum(cx->L4, cx->L4SizeBytes, seed)));
            return;
        }

        // Left to the device as before, over what is there now.
        Unsafe.WriteUnaligned(cx->L4 + 16, (ushort)~InternetChecksum.Fold(seed));
        PartialChecksum.TryEnter(packet, (int)(cx->L4 - packet->Data), 16);
    }
}
