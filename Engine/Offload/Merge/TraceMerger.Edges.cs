using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Edge determinants: what, besides matches, decided how the packet went on.</summary>
public sealed unsafe partial class TraceMerger
{
    private bool NextEvent(TraceEventKind kind, out TraceEvent e)
    {
        e = default;
        if (_event >= _trace.EventCount) return Refuse(OffloadReason.BrokenTrace, "missing event");
        e = _trace.Events[_event++];
        return (e.Kind == kind && e.Pass == _currentPass) || Refuse(OffloadReason.BrokenTrace, "event order");
    }

    private bool Ct(ref SymbolicHeader header, ref DpCt ct)
    {
        if (!NextEvent(TraceEventKind.Ct, out TraceEvent e)) return false;
        if (!CheckVerdict(ref header.Current, ref ct, ref e.Ct)) return false;
        if (!PinTuple(ref header)) return false;

        // Every megaflow of an IP packet matches ip_frag by itself, so without this pin the rules would be the same; a rule is not to depend on that.
        FlowKey pin = default;
        pin.NwFrag = (NwFrag)0xff;
        if (header.Current.NwProto == IpProto.Tcp) pin.TcpFlags = Be16.FromHost(KeyMasks.CtTcpFlags);
        if (!PullBack(ref header, ref pin)) return false;

        if (e.Ct.Translated) Translate(ref header, ref e.Ct);
        header.Current.CtState = e.Ct.State;
        header.Current.CtZone = Be16.FromHost(e.Ct.Zone);
        header.Current.CtMark = Be32.FromHost(e.Ct.Mark);
        header.Current.CtLabel = e.Ct.Label;
        header.CtTupleOpaque = true;
        AddConn(ref e.Ct, header.LengthDeltaBytes);
        _exact = true;
        return true;
    }

    private bool CheckVerdict(ref FlowKey current, ref DpCt ct, ref CtVerdict v)
    {
        if (v.Disposition != CtDisposition.Continue || current.NwFrag != NwFrag.No) return Refuse(OffloadReason.Fragment, "ip_frag");
        if (current.DlType.Host is not (EthType.Ip or EthType.Ipv6)) return Refuse(OffloadReason.ProtocolWithCt, "dl_type");
        if ((ct.Flags & (DpCtFlags.AlgFtp | DpCtFlags.AlgTftp)) != 0) return Refuse(OffloadReason.Alg, "ct(alg)");
        OffloadReason reason = CtEligibility.Check(current.NwProto, current.TcpFlags.Host, in v, out string detail);
        if (reason == OffloadReason.CtChangesConnection && (ct.Flags & DpCtFlags.Commit) != 0) detail = "ct(commit)";
        return reason == OffloadReason.None || Refuse(reason, detail);
    }

    private static void Translate(ref SymbolicHeader header, ref CtVerdict v)
    {
        FlowKey value = default;
        FlowKey mask = default;
        if (header.Current.DlType.Host == EthType.Ip)
        {
            MemoryMarshal.AsBytes(new ReadOnlySpan<Ipv6Address>(in v.SrcAfter))[..4].CopyTo(value.Bytes[KeyLayout.NwSrc..]);
            MemoryMarshal.AsBytes(new ReadOnlySpan<Ipv6Address>(in v.DstAfter))[..4].CopyTo(value.Bytes[KeyLayout.NwDst..]);
            mask.NwSrc = mask.NwDst = new Be32(~0u);
        }
        else
        {
            value.Ipv6Src = v.SrcAfter;
            value.Ipv6Dst = v.DstAfter;
            FlowKey.Lane(ref mask, Lanes.Ipv6) = Vector256<byte>.AllBitsSet;
        }

        value.TpSrc = v.TpSrcAfter;
        value.TpDst = v.TpDstAfter;
        mask.TpSrc = mask.TpDst = new Be16(0xffff);
        header.Write(ref value, ref mask);
    }

    private static void ClearCt(ref SymbolicHeader header)
    {
        header.Current.CtState = CtState.None;
        header.Current.CtZone = default;
        header.Current.CtMark = default;
        FlowKey.Lane(ref header.Current, Lanes.Ct) = Vector256<byte>.Zero;
        FlowKey.Lane(ref header.Current, Lanes.CtIpv6) = Vector256<byte>.Zero;
        header.CtTupleOpaque = false;
    }

    private bool Hash(ref SymbolicHeader header, uint algorithm)
    {
        if (!NextEvent(TraceEventKind.Hash, out TraceEvent e)) return false;
        if (algorithm > 1) return Refuse(OffloadReason.UnsupportedAction, "hash");
        if (!PinTuple(ref header)) return false;
        FlowKey pin = default;
        pin.NwFrag = (NwFrag)0xff;
        if (algorithm == 1 && header.Current.DlType.Host is not (EthType.Ip or EthType.Ipv6))
        {
            pin.Bytes[KeyLayout.DlDst..KeyLayout.DlType].Fill(0xff);
            pin.Vlan0Tci = pin.Vlan1Tci = new Be16(0xffff);
        }

        if (!PullBack(ref header, ref pin)) return false;
        header.Current.DpHash = Be32.FromHost(e.DpHash);
        _exact = true;
        return true;
    }

    /// <summary>Pins dl_type and, for IP, protocol, addresses and ports of the header as it is now.</summary>
    private bool PinTuple(ref SymbolicHeader header)
    {
        FlowKey pin = default;
        pin.DlType = new Be16(0xffff);
        pin.NwProto = 0xff;
        pin.NwSrc = pin.NwDst = new Be32(~0u);
        pin.TpSrc = pin.TpDst = new Be16(0xffff);
        if (header.Current.DlType.Host == EthType.Ipv6)
        {
            pin.NwSrc = pin.NwDst = default;
            FlowKey.Lane(ref pin, Lanes.Ipv6) = Vector256<byte>.AllBitsSet;
        }

        return PullBack(ref header, ref pin);
    }

    private void AddConn(ref CtVerdict v, int lengthDeltaBytes)
    {
        for (int i = 0; i < _connCount; i++)
        {
            ref MergedConn c = ref _conns[i];
            if (c.ConnId != v.ConnId || c.Reply != v.Reply) continue;

            // A second visit that software answers from what the packet carries neither counts nor refreshes.
            if (v.Cached) return;
            c.Multiplicity++;
            c.LengthDeltaBytes += lengthDeltaBytes;
            return;
        }

        _conns[_connCount++] = new MergedConn
        {
            ConnId = v.ConnId,
            Generation = v.Generation,
            Reply = v.Reply,
            Multiplicity = 1,
            LengthDeltaBytes = lengthDeltaBytes,
        };
    }
}
