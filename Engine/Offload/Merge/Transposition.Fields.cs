using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Set actions. A field that must be touched is written as wide as its value is known: hardware sets whole fields.</summary>
internal sealed partial class Transposition
{
    private bool EmitFields(ref Point to, ref FlowKey writes)
    {
        if (KeyBits.IsZero(ref writes)) return true;
        FlowKey done = default;
        EmitEth(ref to, ref writes, ref done);
        switch (_original.DlType.Host)
        {
            case EthType.Ip:
                EmitIpv4(ref to, ref writes, ref done);
                EmitPorts(ref to, ref writes, ref done);
                break;
            case EthType.Ipv6:
                EmitIpv6(ref to, ref writes, ref done);
                EmitPorts(ref to, ref writes, ref done);
                break;
            case EthType.Arp:
                EmitArp(ref to, ref writes, ref done);
                break;
        }

        KeyBits.AndNot(ref writes, ref done, ref writes);
        return KeyBits.IsZero(ref writes);
    }

    /// <summary>If a bit of [offset, offset+size) is to be written, takes the field: copies the known mask of the field to <paramref name="done"/>.</summary>
    private static bool Take(ref Point to, ref FlowKey writes, ref FlowKey done, int offset, int size)
    {
        if (writes.Bytes.Slice(offset, size).IndexOfAnyExcept((byte)0) < 0) return false;
        to.Known.Bytes.Slice(offset, size).CopyTo(done.Bytes[offset..]);
        return true;
    }

    private static T Masked<T>(ref Point to, ref FlowKey done, int offset)
        where T : unmanaged
    {
        int size = System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
        Span<byte> b = stackalloc byte[size];
        for (int i = 0; i < size; i++) b[i] = (byte)(to.Current.Bytes[offset + i] & done.Bytes[offset + i]);
        return MemoryMarshal.Read<T>(b);
    }

    private void EmitEth(ref Point to, ref FlowKey writes, ref FlowKey done)
    {
        if (!(Take(ref to, ref writes, ref done, 0, 6) | Take(ref to, ref writes, ref done, 6, 6))) return;
        DpAction a = new() { Op = DpOp.SetEth };
        a.Eth.DstMask = done.DlDst;
        a.Eth.SrcMask = done.DlSrc;
        a.Eth.Dst = Masked<EthAddress>(ref to, ref done, 0);
        a.Eth.Src = Masked<EthAddress>(ref to, ref done, 6);
        _program.Add(a);
    }

    private void EmitIpv4(ref Point to, ref FlowKey writes, ref FlowKey done)
    {
        bool any = Take(ref to, ref writes, ref done, 33, 1) | Take(ref to, ref writes, ref done, 40, 1)
                 | Take(ref to, ref writes, ref done, 44, 4) | Take(ref to, ref writes, ref done, 48, 4);
        if (!any) return;
        DpAction a = new() { Op = DpOp.SetIpv4 };
        (a.Ipv4.TosMask, a.Ipv4.Tos) = (done.NwTos, (byte)(to.Current.NwTos & done.NwTos));
        (a.Ipv4.TtlMask, a.Ipv4.Ttl) = (done.NwTtl, (byte)(to.Current.NwTtl & done.NwTtl));
        (a.Ipv4.SrcMask, a.Ipv4.Src) = (done.NwSrc, new Be32(to.Current.NwSrc.Raw & done.NwSrc.Raw));
        (a.Ipv4.DstMask, a.Ipv4.Dst) = (done.NwDst, new Be32(to.Current.NwDst.Raw & done.NwDst.Raw));
        _program.Add(a);
    }

    private void EmitIpv6(ref Point to, ref FlowKey writes, ref FlowKey done)
    {
        if (Take(ref to, ref writes, ref done, 64, 16) | Take(ref to, ref writes, ref done, 80, 16))
        {
            DpAction a = new() { Op = DpOp.SetIpv6Addr };
            a.Ipv6.SrcMask = done.Ipv6Src;
            a.Ipv6.DstMask = done.Ipv6Dst;
            a.Ipv6.Src = Masked<Ipv6Address>(ref to, ref done, 64);
            a.Ipv6.Dst = Masked<Ipv6Address>(ref to, ref done, 80);
            _program.Add(a);
        }

        if (Take(ref to, ref writes, ref done, 33, 1) | Take(ref to, ref writes, ref done, 40, 1) | Take(ref to, ref writes, ref done, 168, 4))
        {
            DpAction a = new() { Op = DpOp.SetIpv6Misc };
            (a.Ipv6Misc.TrafficClassMask, a.Ipv6Misc.TrafficClass) = (done.NwTos, (byte)(to.Current.NwTos & done.NwTos));
            (a.Ipv6Misc.HopLimitMask, a.Ipv6Misc.HopLimit) = (done.NwTtl, (byte)(to.Current.NwTtl & done.NwTtl));
            (a.Ipv6Misc.LabelMask, a.Ipv6Misc.Label) = (done.Ipv6Label, new Be32(to.Current.Ipv6Label.Raw & done.Ipv6Label.Raw));
            _program.Add(a);
        }
    }

    private void EmitPorts(ref Point to, ref FlowKey writes, ref FlowKey done)
    {
        if (!(Take(ref to, ref writes, ref done, 52, 2) | Take(ref to, ref writes, ref done, 54, 2))) return;
        DpAction a = new() { Op = DpOp.SetL4 };
        a.L4.Proto = to.Current.NwProto;
        (a.L4.SrcMask, a.L4.Src) = (done.TpSrc, new Be16((ushort)(to.Current.TpSrc.Raw & done.TpSrc.Raw)));
        (a.L4.DstMask, a.L4.Dst) = (done.TpDst, new Be16((ushort)(to.Current.TpDst.Raw & done.TpDst.Raw)));
        _program.Add(a);
    }

    private void EmitArp(ref Point to, ref FlowKey writes, ref FlowKey done)
    {
        bool any = Take(ref to, ref writes, ref done, 41, 1) | Take(ref to, ref writes, ref done, 44, 4) | Take(ref to, ref writes, ref done, 48, 4)
                 | Take(ref to, ref writes, ref done, 144, 6) | Take(ref to, ref writes, ref done, 150, 6);
        if (!any) return;
        DpAction a = new() { Op = DpOp.SetArp };
        (a.Arp.OpMask, a.Arp.Op) = (Be16.FromHost(done.NwProto), Be16.FromHost((ushort)(to.Current.NwProto & done.NwProto)));
        (a.Arp.SpaMask, a.Arp.Spa) = (done.NwSrc, new Be32(to.Current.NwSrc.Raw & done.NwSrc.Raw));
        (a.Arp.TpaMask, a.Arp.Tpa) = (done.NwDst, new Be32(to.Current.NwDst.Raw & done.NwDst.Raw));
        a.Arp.ShaMask = done.ArpSha;
        a.Arp.ThaMask = done.ArpTha;
        a.Arp.Sha = Masked<EthAddress>(ref to, ref done, 144);
        a.Arp.Tha = Masked<EthAddress>(ref to, ref done, 150);
        _program.Add(a);
    }
}
