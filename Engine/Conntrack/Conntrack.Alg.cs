using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Mergeflow.Native;

namespace Mergeflow.Engine;

/// <remarks>
/// Gateways for FTP over IPv4 and for TFTP. What a control connection announces is expected (<c>.Expectations.cs</c>); NAT puts the outer address into
/// the message, and from then on sequence numbers of one direction are off by the difference in length. Control connections are never offloaded.
/// </remarks>
public sealed unsafe partial class Conntrack
{
    private const ushort FtpPort = 21;
    private const ushort TftpPort = 69;
    private const int LongestAddressBytes = 15;

    /// <summary>
    /// Does the packet look like control traffic of a gateway (OVS <c>get_alg_ctl_type</c>)? Such a packet passes the state machine at
    /// every <c>ct</c>.
    /// </summary>
    private static CtAlg AlgOf(Packet* packet, in DpCt args)
    {
        FlowKey* k = &packet->Key;
        return k->NwProto switch
        {
            IpProto.Udp when k->TpDst.Host == TftpPort || (args.Flags & DpCtFlags.AlgTftp) != 0 => CtAlg.Tftp,
            IpProto.Tcp when k->TpDst.Host == FtpPort || k->TpSrc.Host == FtpPort || (args.Flags & DpCtFlags.AlgFtp) != 0 => CtAlg.Ftp,
            _ => CtAlg.None,
        };
    }

    /// <summary>Is the packet the first of a control connection, as the action's <c>alg</c> says (OVS <c>ct_verify_helper</c>)?</summary>
    private static bool IsAlgControl(Packet* packet, in DpCt args)
        => (args.Flags & (DpCtFlags.AlgFtp | DpCtFlags.AlgTftp)) != 0
            && packet->Key.NwProto == ((args.Flags & DpCtFlags.AlgFtp) != 0 ? IpProto.Tcp : IpProto.Udp);

    /// <summary>
    /// Moves a connection on, its sequence numbers corrected for what was inserted before: those that answer it before the state machine sees them,
    /// those of its own direction after (OVS <c>conn_update_state_alg</c>).
    /// </summary>
    private bool UpdateSkewed(Packet* packet, in DpCt args, CtContext* cx, int id, long nowMs)
    {
        bool sameDirection = cx->Reply == ((Conn(id)->Flags & ConnFlags.SkewsReply) != 0);
        if (!sameDirection) CorrectSequence(packet, args, cx, id);
        bool create = UpdateState(packet, cx, id, nowMs);
        if (sameDirection && !create) CorrectSequence(packet, args, cx, id);
        return create;
    }

    private void CorrectSequence(Packet* packet, in DpCt args, CtContext* cx, int id)
    {
        if ((args.Flags & DpCtFlags.Nat) == 0 || cx->IsIpv6 || FtpMessage.Read(PayloadOf(cx)).Kind != FtpMessageKind.Other) return;
        AddSkew(cx, id);
        WriteTcpChecksum(cx);
    }

    private void AddSkew(CtContext* cx, int id)
    {
        int skew = _cold[id].SequenceSkew;
        if (skew == 0) return;
        bool sameDirection = cx->Reply == ((Conn(id)->Flags & ConnFlags.SkewsReply) != 0);
        byte* number = cx->L4 + (sameDirection ? 4 : 8);
        uint old = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<uint>(number));
        Unsafe.WriteUnaligned(number, BinaryPrimitives.ReverseEndianness(sameDirection ? old + (uint)skew : old - (uint)skew));
    }

    /// <summary>A packet of a control connection has been dealt with: does it announce another connection (OVS <c>handle_alg_ctl</c>)?</summary>
    private void ReadControl(Packet* packet, in DpCt args, CtContext* cx, int id, CtAlg alg)
    {
        if (alg == CtAlg.Tftp)
        {
            Expect(packet, id, Conn(id)->Fwd.SrcPort);
            return;
        }

        // A datagram that is put together for conntrack cannot change its length.
        if (cx->IsIpv6 || packet == (Packet*)_fragments.Buffer) return;
        FtpMessage message = FtpMessage.Read(PayloadOf(cx));
        if (message.Kind == FtpMessageKind.Other) return;
        ConnRecord* c = Conn(id);
        uint replacement = message.IsPassive ? c->Fwd.Dst : c->Rev.Dst;
        uint own = message.IsPassive ? c->Rev.Src : c->Fwd.Src;

        // Nobody announces another host's address but who wants to reach it through us.
        if (message.Kind == FtpMessageKind.Invalid || (message.Address != own && message.Address != replacement))
        {
            packet->Key.CtState |= CtState.Trk | CtState.Inv;
            return;
        }

        Expect(packet, id, BinaryPrimitives.ReverseEndianness(message.Port));
        if ((args.Flags & DpCtFlags.Nat) == 0) return;
        int growth = ReplaceAddress(packet, cx, message, replacement);
        AddSkew(cx, id);
        WriteTcpChecksum(cx);
        if (growth == 0) return;
        _cold[id].SequenceSkew += growth;
        if (cx->Reply) c->Flags |= ConnFlags.SkewsReply;
        else c->Flags &= ~ConnFlags.SkewsReply;
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
    private static int ReplaceAddress(Packet* packet, CtContext* cx, in FtpMessage message, uint address)
    {
        Span<byte> text = stackalloc byte[LongestAddressBytes];
        int size = WriteAddress(text, address);
        int growth = size - message.AddressSizeBytes;
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
            ushort old = Unsafe.ReadUnaligned<ushort>(cx->L3 + 2);
            ushort length = BinaryPrimitives.ReverseEndianness((ushort)(BinaryPrimitives.ReverseEndianness(old) + growth));
            Unsafe.WriteUnaligned(cx->L3 + 2, length);
            Unsafe.WriteUnaligned(cx->L3 + 10, InternetChecksum.Recalc16(Unsafe.ReadUnaligned<ushort>(cx->L3 + 10), old, length));
        }

        text[..size].CopyTo(new Span<byte>(at - growth, size));
        return growth;
    }

    private static int WriteAddress(Span<byte> text, uint address)
    {
        int at = 0;
        for (int i = 0; i < 4; i++, address >>= 8)
        {
            if (i > 0) text[at++] = (byte)',';
            int value = (byte)address;
            if (value >= 100) text[at++] = (byte)('0' + (value / 100));
            if (value >= 10) text[at++] = (byte)('0' + (value / 10 % 10));
            text[at++] = (byte)('0' + (value % 10));
        }

        return at;
    }

    private static void WriteTcpChecksum(CtContext* cx)
    {
        Unsafe.WriteUnaligned(cx->L4 + 16, (ushort)0);
        Unsafe.WriteUnaligned(cx->L4 + 16, InternetChecksum.Fold(InternetChecksum.Sum(cx->L4, cx->L4SizeBytes, InternetChecksum.PseudoHeaderV4(cx->L3))));
    }
}
