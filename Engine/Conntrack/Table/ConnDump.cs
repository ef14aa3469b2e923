using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Connections for people. Cold path: allocates.</summary>
internal static unsafe class ConnDump
{
    /// <summary>A live connection as a dump shows it.</summary>
    public static ConnInfo Describe(in ConnView view, int connId, long nowMs)
    {
        ConnRecord* c = view.Conn(connId);
        ConnCold* cold = view.Cold(connId);
        string? state = c->Fwd.Proto == IpProto.Tcp ? NameOf(c->Orig.State > c->Reply.State ? c->Orig.State : c->Reply.State) : null;
        long leftMs = c->ExpiryMs - nowMs;
        (ulong Packets, ulong Bytes) orig = CombinedCounter.Read(ref cold->HwOrig), reply = CombinedCounter.Read(ref cold->HwReply);
        return new ConnInfo(
            connId, c->Generation, c->Fwd.Zone, c->Mark, c->Label, c->Fwd.Proto, state, leftMs > 0 ? leftMs / 1000 : 0,
            TupleOf(view, connId, reply: false), TupleOf(view, connId, reply: true),
            c->OrigPackets + orig.Packets, c->OrigBytes + orig.Bytes,
            c->ReplyPackets + reply.Packets, c->ReplyBytes + reply.Bytes)
        {
            Helper = (c->Flags & ConnFlags.HasAlg) == 0 ? null : c->Fwd.Proto == IpProto.Tcp ? "ftp" : "tftp",
        };
    }

    private static ConnTuple TupleOf(in ConnView view, int id, bool reply)
    {
        ConnRecord* c = view.Conn(id);
        ConnKey key = reply ? c->Rev : c->Fwd;
        bool ipv6 = c->IsIpv6;
        Ipv6Address src = default, dst = default;
        if (ipv6)
        {
            ConnAddresses* a = view.Addresses(id);
            (src, dst) = reply ? (a->RevSrc, a->RevDst) : (a->FwdSrc, a->FwdDst);
        }
        else
        {
            Unsafe.As<Ipv6Address, uint>(ref src) = key.Src;
            Unsafe.As<Ipv6Address, uint>(ref dst) = key.Dst;
        }
        ushort sport = BinaryPrimitives.ReverseEndianness(key.SrcPort), dport = BinaryPrimitives.ReverseEndianness(key.DstPort);
        return (key.Aux & ConnKey.AuxIcmp) != 0
            ? new ConnTuple(ipv6, src, dst, key.Proto, 0, 0, sport, key.IcmpType, 0)
            : new ConnTuple(ipv6, src, dst, key.Proto, sport, dport, 0, 0, 0);
    }

    /// <summary>As Open vSwitch prints it: SYN_RECV and FIN_WAIT_2 go by the names that the kernel's tracker uses.</summary>
    private static string NameOf(TcpState state) => state switch
    {
        TcpState.Closed => "CLOSED",
        TcpState.Listen => "LISTEN",
        TcpState.SynSent => "SYN_SENT",
        TcpState.SynRecv or TcpState.Established => "ESTABLISHED",
        TcpState.CloseWait => "CLOSE_WAIT",
        TcpState.FinWait1 => "FIN_WAIT_1",
        TcpState.Closing => "CLOSING",
        TcpState.LastAck => "LAST_ACK",
        _ => "TIME_WAIT",
    };
}
