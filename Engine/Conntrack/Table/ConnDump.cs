using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Connections for people. Cold path: allocates.</summary>
internal static class ConnDump
{
    /// <summary>A live connection as a dump shows it.</summary>
    public static ConnInfo Describe(in ConnCopy copy, int connId, long nowMs)
    {
        ref readonly ConnRecord c = ref copy.Record;
        string? state = c.Fwd.Proto == IpProto.Tcp ? NameOf(c.Orig.State > c.Reply.State ? c.Orig.State : c.Reply.State) : null;
        long leftMs = c.ExpiryMs - nowMs;
        return new ConnInfo(
            connId, c.Generation, c.Fwd.Zone, c.Mark, c.Label, c.Fwd.Proto, state, leftMs > 0 ? leftMs / 1000 : 0,
            TupleOf(copy, reply: false), TupleOf(copy, reply: true),
            c.OrigPackets + copy.HwOrig.Packets, c.OrigBytes + copy.HwOrig.Bytes,
            c.ReplyPackets + copy.HwReply.Packets, c.ReplyBytes + copy.HwReply.Bytes)
        {
            Helper = (c.Flags & ConnFlags.HasAlg) == 0 ? null : c.Fwd.Proto == IpProto.Tcp ? "ftp" : "tftp",
        };
    }

    private static ConnTuple TupleOf(in ConnCopy copy, bool reply)
    {
        ConnKey key = reply ? copy.Record.Rev : copy.Record.Fwd;
        bool ipv6 = copy.Record.IsIpv6;
        Ipv6Address src = default, dst = default;
        if (ipv6)
        {
            ref readonly ConnAddresses a = ref copy.Addresses;
            (src, dst) = reply ? (a.RevSrc, a.RevDst) : (a.FwdSrc, a.FwdDst);
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
