using static Mergeflow.PropertyTests.RefTcpState;

namespace Mergeflow.PropertyTests;

internal sealed partial class ReferenceConntrack
{
    private const int Fin = 1;
    private const int Syn = 2;
    private const int Rst = 4;
    private const int Psh = 8;
    private const int Ack = 16;
    private const int Urg = 32;
    private const int MaxAckWindow = 0xffff + 1500;

    /// <summary>UDP, ICMP and the rest: established as soon as both directions were seen.</summary>
    private RefUpdate UpdateOther(RefConn conn, bool isReply)
    {
        if (isReply) conn.State = 2;
        else if (conn.State == 0) conn.State = 1;
        conn.ExpiryMs = _nowMs + (conn.State == 2 ? 30_000 : 60_000);
        return conn.State == 2 ? RefUpdate.Valid : RefUpdate.ValidNew;
    }

    private static bool HasInvalidFlags(int flags)
    {
        if ((flags & Syn) != 0 && (flags & (Rst | Fin)) != 0) return true;
        if ((flags & Syn) == 0 && (flags & (Ack | Rst)) == 0) return true;
        return (flags & Ack) == 0 && (flags & (Fin | Psh | Urg)) != 0;
    }

    private static bool Before(uint a, uint b) => (int)(a - b) < 0;

    private static int Flags(ReferencePacket p) => Wire.U16(p.L4Bytes, 12) & 0xfff;

    private static uint PayloadSizeBytes(ReferencePacket p) => (uint)(p.L4SizeBytes - ((p.L4Bytes[12] >> 4) * 4));

    /// <summary>The window scale option of a SYN (RFC 7323), at most 14; null = there is none.</summary>
    private static int? WindowScale(ReferencePacket p)
    {
        ReadOnlySpan<byte> options = p.L4Bytes[20..((p.L4Bytes[12] >> 4) * 4)];
        int? scale = null;
        int at = 0;
        while (options.Length - at >= 3)
        {
            switch (options[at])
            {
                case 0:
                    return scale;
                case 1:
                    at++;
                    continue;
                case 3:
                    scale = Math.Min((int)options[at + 2], 14);
                    break;
            }

            at += Math.Max((int)options[at + 1], 2);
        }

        return scale;
    }

    private static void BeginTcp(ReferencePacket p, RefConn conn)
    {
        RefTcpPeer src = conn.Peers[0], dst = conn.Peers[1];
        int flags = Flags(p);
        src.SeqLow = Wire.U32(p.L4Bytes, 4);
        src.SeqHigh = src.SeqLow + PayloadSizeBytes(p) + 1;
        if ((flags & Syn) != 0)
        {
            src.SeqHigh++;
            src.Scale = WindowScale(p);
        }
        else
        {
            src.ScaleUnknown = dst.ScaleUnknown = true;
        }

        int window = Math.Max((int)Wire.U16(p.L4Bytes, 14), 1);
        int divisor = 1 << (src.Scale ?? 0);
        src.MaxWindow = (ushort)((window + divisor - 1) / divisor);
        if ((flags & Fin) != 0) src.SeqHigh++;
        dst.SeqHigh = 1;
        dst.MaxWindow = 1;
        src.State = SynSent;
        dst.State = Closed;
    }

    /// <summary>One segment of a known connection: the window check of Guido van Rooij's paper, then the states (OVS <c>tcp_conn_update</c>).</summary>
    private RefUpdate UpdateTcp(ReferencePacket p, RefConn conn, bool isReply)
    {
        RefTcpPeer src = conn.Peers[isReply ? 1 : 0], dst = conn.Peers[isReply ? 0 : 1];
        int flags = Flags(p);
        if (HasInvalidFlags(flags)) return RefUpdate.Invalid;

        if ((flags & (Syn | Ack)) == Syn)
        {
            if (dst.State >= FinWait2 && src.State >= FinWait2)
            {
                src.State = dst.State = Closed;
                return RefUpdate.New;
            }

            if (src.State <= SynSent)
            {
                src.State = SynSent;
                conn.ExpiryMs = _nowMs + 30_000;
                return RefUpdate.ValidNew;
            }
        }

        int srcScale = 0, dstScale = 0;
        if ((flags & Syn) == 0)
        {
            if (src.Scale is { } s && dst.Scale is { } d) (srcScale, dstScale) = (s, d);
            else if (src.ScaleUnknown && dst.ScaleUnknown) srcScale = dstScale = 14;
        }

        uint window = Wire.U16(p.L4Bytes, 14);
        uint firstSeq = Wire.U32(p.L4Bytes, 4), seq = firstSeq, ack = Wire.U32(p.L4Bytes, 8);
        uint end = seq + PayloadSizeBytes(p) + ((flags & Syn) != 0 ? 1u : 0) + ((flags & Fin) != 0 ? 1u : 0);
        bool checkAck = true;
        if (src.State < SynSent)
        {
            if ((flags & Syn) != 0 && dst.Scale is { } peerScale)
            {
                src.Scale = WindowScale(p);
                src.ScaleUnknown = false;
                if (src.Scale is { } own)
                {
                    srcScale = own;
                    dstScale = peerScale;
                    window = (window + (1u << own) - 1) / (1u << own);
                }
                else
                {
                    dst.MaxWindow = (ushort)(dst.MaxWindow << peerScale);
                    dst.Scale = null;
                }
            }

            src.SeqLow = seq;
            src.State = SynSent;
            uint limit = end + Math.Max(1u, (uint)dst.MaxWindow << dstScale);
            if (src.SeqHigh == 1 || !Before(limit, src.SeqHigh))
            {
                src.SeqHigh = limit;
                checkAck = false;
            }

            if (window > src.MaxWindow) src.MaxWindow = (ushort)window;
        }

        if ((flags & Ack) == 0 || (ack == 0 && (flags & Rst) != 0)) ack = dst.SeqLow;
        if (seq == end) seq = end = src.SeqLow;

        int skew = checkAck ? (int)(dst.SeqLow - ack) : 0;
        bool fits = !Before(src.SeqHigh, end)
            && !Before(seq, src.SeqLow - ((uint)dst.MaxWindow << dstScale))
            && skew >= -MaxAckWindow && skew <= MaxAckWindow << srcScale
            && ((flags & Rst) == 0 || firstSeq == src.SeqLow || firstSeq == src.SeqLow + 1 || firstSeq + 1 == src.SeqLow);
        bool isLoose = !fits && _checkSequence;
        if (isLoose)
        {
            bool mayBeLoose = (dst.State < SynSent || dst.State >= FinWait2 || src.State >= FinWait2)
                && !Before(src.SeqHigh + MaxAckWindow, end) && !Before(seq, src.SeqLow - MaxAckWindow);
            if (!mayBeLoose) return RefUpdate.Invalid;
        }

        if (src.MaxWindow < window) src.MaxWindow = (ushort)window;
        if (Before(src.SeqLow, end)) src.SeqLow = end;
        if (!Before(ack + (window << srcScale), dst.SeqHigh)) dst.SeqHigh = ack + Math.Max(window << srcScale, 1u);
        if ((flags & Fin) != 0 && src.State < Closing) src.State = Closing;
        if (!isLoose && (flags & Ack) != 0)
        {
            if (dst.State == SynSent) dst.State = Established;
            else if (dst.State == Closing) dst.State = FinWait2;
        }

        if ((flags & Rst) != 0) src.State = dst.State = TimeWait;
        if (!isLoose) conn.ExpiryMs = _nowMs + (1000L * TcpTimeoutSeconds(src.State, dst.State));
        return RefUpdate.Valid;
    }

    private static int TcpTimeoutSeconds(RefTcpState a, RefTcpState b)
    {
        if (a >= FinWait2 && b >= FinWait2) return 30;
        if (a >= Closing && b >= Closing) return 45;
        if (a < Established || b < Established) return 30;
        return a >= Closing || b >= Closing ? 900 : 86400;
    }
}
