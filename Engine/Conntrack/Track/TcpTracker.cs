using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Conntrack;

/// <summary>What a TCP segment is to its connection: of the record it moves the two peers, and nothing else.</summary>
/// <remarks>
/// The TCP state machine of OVS lib/conntrack-tcp.c, which follows OpenBSD's pf and G. van Rooij, "Real Stateful TCP Packet Filtering
/// in IP Filter": each end's sequence numbers must lie in the window that the other end opened.
/// </remarks>
internal static unsafe class TcpTracker
{
    /// <summary>How far an acknowledgement may lag or lead: one unscaled window and some slack.</summary>
    private const int MaxAckWindow = 0xffff + 1500;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool SeqGeq(uint a, uint b) => (int)(a - b) >= 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool SeqGt(uint a, uint b) => (int)(a - b) > 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint PayloadBytes(byte* tcp, int l4SizeBytes) => (uint)(l4SizeBytes - ((tcp[12] >> 4) * 4));

    private static bool AreFlagsInvalid(byte flags)
    {
        if ((flags & TcpFlag.Syn) != 0)
        {
            if ((flags & (TcpFlag.Rst | TcpFlag.Fin)) != 0) return true;
        }
        else if ((flags & (TcpFlag.Ack | TcpFlag.Rst)) == 0)
        {
            return true;
        }
        return (flags & TcpFlag.Ack) == 0 && (flags & (TcpFlag.Fin | TcpFlag.Psh | TcpFlag.Urg)) != 0;
    }

    /// <summary>A SYN|ACK cannot begin a connection; anything else with sane flags can, in mid-stream too.</summary>
    public static bool IsValidNew(byte* tcp)
    {
        byte flags = tcp[13];
        return !AreFlagsInvalid(flags) && (flags & (TcpFlag.Syn | TcpFlag.Ack)) != (TcpFlag.Syn | TcpFlag.Ack);
    }

    /// <summary>The window scale option, with <see cref="TcpPeer.WScaleFlag"/>; 0 if there is none.</summary>
    private static byte ReadWScale(byte* tcp)
    {
        int length = ((tcp[12] >> 4) * 4) - CtHeaders.TcpBytes;
        byte* option = tcp + CtHeaders.TcpBytes;
        byte wscale = 0;
        while (length >= 3)
        {
            if (option[0] == 0) return wscale;
            if (option[0] == 1)
            {
                option++;
                length--;
                continue;
            }
            if (option[0] == 3) wscale = (byte)(Math.Min((int)option[2], TcpPeer.WScaleMax) | TcpPeer.WScaleFlag);
            int size = Math.Max((int)option[1], 2);
            length -= size;
            option += size;
        }
        return wscale;
    }

    /// <summary>The first segment of a connection, in mid-stream or not.</summary>
    public static void Begin(ConnRecord* c, byte* tcp, int l4SizeBytes)
    {
        byte flags = tcp[13];
        TcpPeer src = default, dst = default;
        src.SeqLo = CtHeaders.Read32(tcp + 4);
        src.SeqHi = src.SeqLo + PayloadBytes(tcp, l4SizeBytes) + 1;
        if ((flags & TcpFlag.Syn) != 0)
        {
            src.SeqHi++;
            src.WScale = ReadWScale(tcp);
        }
        else
        {
            src.WScale = TcpPeer.WScaleUnknown;
            dst.WScale = TcpPeer.WScaleUnknown;
        }
        src.MaxWin = Math.Max(CtHeaders.Read16(tcp + 14), (ushort)1);
        int shift = src.WScale & TcpPeer.WScaleMask;
        src.MaxWin = (ushort)((src.MaxWin + (1u << shift) - 1) >> shift);
        if ((flags & TcpFlag.Fin) != 0) src.SeqHi++;
        dst.SeqHi = 1;
        dst.MaxWin = 1;
        src.State = TcpState.SynSent;
        dst.State = TcpState.Closed;
        c->Orig = src;
        c->Reply = dst;
    }

    /// <summary>
    /// A data segment or pure acknowledgement of an established connection: no state moves, so it is a window check, and the caller sets the timeout.
    /// False = it is not that, or the window check failed; nothing was changed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryEstablished(ConnRecord* c, byte* tcp, int l4SizeBytes, bool reply, bool checkSequence)
    {
        TcpPeer* src = reply ? &c->Reply : &c->Orig;
        TcpPeer* dst = reply ? &c->Orig : &c->Reply;
        if (src->State != TcpState.Established || dst->State != TcpState.Established) return false;
        if ((tcp[13] & (TcpFlag.Syn | TcpFlag.Fin | TcpFlag.Rst | TcpFlag.Ack)) != TcpFlag.Ack) return false;

        int sws = 0, dws = 0;
        if ((src->WScale & dst->WScale & TcpPeer.WScaleFlag) != 0)
        {
            sws = src->WScale & TcpPeer.WScaleMask;
            dws = dst->WScale & TcpPeer.WScaleMask;
        }
        else if ((src->WScale & dst->WScale & TcpPeer.WScaleUnknown) != 0)
        {
            sws = dws = TcpPeer.WScaleMax;
        }
        uint seq = CtHeaders.Read32(tcp + 4);
        uint ack = CtHeaders.Read32(tcp + 8);
        ushort win = CtHeaders.Read16(tcp + 14);
        uint end = seq + PayloadBytes(tcp, l4SizeBytes);
        if (seq == end) seq = end = src->SeqLo;
        int ackSkew = (int)(dst->SeqLo - ack);

        // What is refused here goes the general way, which has the same bounds: one that is narrower by one could not be told from outside.
        bool inWindow = SeqGeq(src->SeqHi, end)
            && SeqGeq(seq, src->SeqLo - (uint)(dst->MaxWin << dws))
            && ackSkew >= -MaxAckWindow
            && ackSkew <= MaxAckWindow << sws;
        if (!inWindow && checkSequence) return false;

        if (src->MaxWin < win) src->MaxWin = win;
        if (SeqGt(end, src->SeqLo)) src->SeqLo = end;
        uint room = (uint)(win << sws);
        if (SeqGeq(ack + room, dst->SeqHi)) dst->SeqHi = ack + Math.Max(room, 1);
        return true;
    }

    /// <summary>The whole state machine (OVS <c>tcp_conn_update</c>).</summary>
    public static L4Verdict Update(ConnRecord* c, byte* tcp, int l4SizeBytes, bool reply, bool checkSequence)
    {
        TcpPeer* src = reply ? &c->Reply : &c->Orig;
        TcpPeer* dst = reply ? &c->Orig : &c->Reply;
        byte flags = tcp[13];
        ushort win = CtHeaders.Read16(tcp + 14);
        uint payload = PayloadBytes(tcp, l4SizeBytes);
        int sws = 0, dws = 0;

        if (AreFlagsInvalid(flags)) return new(CtUpdate.Invalid);

        if ((flags & (TcpFlag.Syn | TcpFlag.Ack)) == TcpFlag.Syn)
        {
            if (dst->State >= TcpState.FinWait2 && src->State >= TcpState.FinWait2)
            {
                src->State = dst->State = TcpState.Closed;
                return new(CtUpdate.New);
            }
            if (src->State <= TcpState.SynSent)
            {
                src->State = TcpState.SynSent;
                return new(CtUpdate.ValidNew, CtTimeout.TcpFirstPacket);
            }
        }

        if ((flags & TcpFlag.Syn) == 0)
        {
            if ((src->WScale & dst->WScale & TcpPeer.WScaleFlag) != 0)
            {
                sws = src->WScale & TcpPeer.WScaleMask;
                dws = dst->WScale & TcpPeer.WScaleMask;
            }
            else if ((src->WScale & dst->WScale & TcpPeer.WScaleUnknown) != 0)
            {
                sws = dws = TcpPeer.WScaleMax;
            }
        }

        uint seq = CtHeaders.Read32(tcp + 4);
        uint origSeq = seq;
        uint ack = CtHeaders.Read32(tcp + 8);
        uint end = seq + payload;
        if ((flags & TcpFlag.Syn) != 0) end++;
        bool checkAckSkew = true;
        if (src->State < TcpState.SynSent)
        {
            // First packet from this end.
            if ((flags & TcpFlag.Syn) != 0 && (dst->WScale & TcpPeer.WScaleFlag) != 0)
            {
                src->WScale = ReadWScale(tcp);
                if ((src->WScale & TcpPeer.WScaleFlag) != 0)
                {
                    // The window of a SYN is not scaled.
                    sws = src->WScale & TcpPeer.WScaleMask;
                    win = (ushort)((win + (1u << sws) - 1) >> sws);
                    dws = dst->WScale & TcpPeer.WScaleMask;
                }
                else
                {
                    dst->MaxWin = (ushort)(dst->MaxWin << (dst->WScale & TcpPeer.WScaleMask));
                    dst->WScale = 0;
                }
            }
            if ((flags & TcpFlag.Fin) != 0) end++;

            src->SeqLo = seq;
            src->State = TcpState.SynSent;
            uint opened = end + (uint)Math.Max(1, dst->MaxWin << dws);
            if (src->SeqHi == 1 || SeqGeq(opened, src->SeqHi))
            {
                // A new connection, or one that was there before us: be permissive.
                src->SeqHi = opened;
                checkAckSkew = false;
            }
            if (win > src->MaxWin) src->MaxWin = win;
        }
        else if ((flags & TcpFlag.Fin) != 0)
        {
            end++;
        }

        if ((flags & TcpFlag.Ack) == 0 || (ack == 0 && (flags & (TcpFlag.Ack | TcpFlag.Rst)) == (TcpFlag.Ack | TcpFlag.Rst)))
        {
            ack = dst->SeqLo;
        }
        if (seq == end)
        {
            // Ease the restrictions on packets without data.
            seq = src->SeqLo;
            end = seq;
        }

        int ackSkew = checkAckSkew ? (int)(dst->SeqLo - ack) : 0;
        bool inWindow = SeqGeq(src->SeqHi, end)
            && SeqGeq(seq, src->SeqLo - (uint)(dst->MaxWin << dws))
            && ackSkew >= -MaxAckWindow
            && ackSkew <= MaxAckWindow << sws
            && ((flags & TcpFlag.Rst) == 0 || origSeq == src->SeqLo || origSeq == src->SeqLo + 1 || origSeq + 1 == src->SeqLo);
        bool loose = !inWindow && checkSequence;
        if (loose)
        {
            // Shotgunned SYNs, streams picked up in the middle, stray packets just after the end: no timeout is refreshed.
            bool near = (dst->State < TcpState.SynSent || dst->State >= TcpState.FinWait2 || src->State >= TcpState.FinWait2)
                && SeqGeq(src->SeqHi + MaxAckWindow, end)
                && SeqGeq(seq, src->SeqLo - MaxAckWindow);
            if (!near) return new(CtUpdate.Invalid);
        }

        if (src->MaxWin < win) src->MaxWin = win;
        if (SeqGt(end, src->SeqLo)) src->SeqLo = end;
        uint room = (uint)(win << sws);
        if (SeqGeq(ack + room, dst->SeqHi)) dst->SeqHi = ack + Math.Max(room, 1);

        if ((flags & TcpFlag.Fin) != 0 && src->State < TcpState.Closing) src->State = TcpState.Closing;
        if (!loose && (flags & TcpFlag.Ack) != 0)
        {
            if (dst->State == TcpState.SynSent) dst->State = TcpState.Established;
            else if (dst->State == TcpState.Closing) dst->State = TcpState.FinWait2;
        }
        if ((flags & TcpFlag.Rst) != 0) src->State = dst->State = TcpState.TimeWait;
        return loose ? new(CtUpdate.Valid) : new(CtUpdate.Valid, TimeoutOf(src->State, dst->State));
    }

    private static CtTimeout TimeoutOf(TcpState a, TcpState b)
    {
        TcpState min = a < b ? a : b;
        TcpState max = a < b ? b : a;
        if (min >= TcpState.FinWait2) return CtTimeout.TcpClosed;
        if (min >= TcpState.Closing) return CtTimeout.TcpFinWait;
        if (min < TcpState.Established) return CtTimeout.TcpOpening;
        return max >= TcpState.Closing ? CtTimeout.TcpClosing : CtTimeout.TcpEstablished;
    }
}
