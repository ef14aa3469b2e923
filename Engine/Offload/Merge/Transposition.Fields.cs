using System.Runtime.CompilerServices;
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

    /// <summary>If a bit of the field at <paramref name="offset"/> is to be written, takes the field: copies its known mask to <paramref name="done"/>.</summary>
    private static bool Take<T>(ref Point to, ref FlowKey writes, ref FlowKey done, int offset)
        where T : unmanaged
    {
        int size = Unsafe.SizeOf<T>();
        if (writes.Bytes.Slice(offset, size).IndexOfAnyExcept((byte)0) < 0) return false;
        to.Known.Bytes.Slice(offset, size).CopyTo(done.Bytes[offset..]);
        return true;
    }

    private static T Masked<T>(ref Point to, ref FlowKey done, int offset)
        where T : unmanaged
    {
        int size = Unsafe.SizeOf<T>();
        Span<byte> b = stackalloc byte[size];
        for (int i = 0; i < size; i++) b[i] = (byte)(to.Current.Bytes[offset + i] & done.Bytes[offset + i]);
        return MemoryMarshal.Read<T>(b);
    }

    private void EmitEth(ref Point to, ref FlowKey writes, ref FlowKey done)
    {
        if (!(Take<EthAddress>(ref to, ref writes, ref done, KeyLayout.DlDst) | Take<EthAddress>(ref to, ref writes, ref done, KeyLayout.DlSrc))) return;
        DpAction a = new() { Op = DpOp.SetEth };
        a.Eth.DstMask = done.DlDst;
        a.Eth.SrcMask = done.DlSrc;
        a.Eth.Dst = Masked<EthAddress>(ref to, ref done, KeyLayout.DlDst);
        a.Eth.Src = Masked<EthAddress>(ref to, ref done, KeyLayout.DlSrc);
        _program.Add(a);
    }

    private void EmitIpv4(ref Point to, ref FlowKey writes, ref FlowKey done)
    {
        bool any = Take<byte>(ref to, ref writes, ref done, KeyLayout.NwTos) | Take<byte>(ref to, ref writes, ref done, KeyLayout.NwTtl)
                 | Take<Be32>(ref to, ref writes, ref done, KeyLayout.NwSrc) | Take<Be32>(ref to, ref writes, ref done, KeyLayout.NwDst);
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
        if (Take<Ipv6Address>(ref to, ref writes, ref done, KeyLayout.Ipv6Src) | Take<Ipv6Address>(ref to, ref writes, ref done, KeyLayout.Ipv6Dst))
        {
            DpAction a = new() { Op = DpOp.SetIpv6Addr };
            a.Ipv6.SrcMask = done.Ipv6Src;
            a.Ipv6.DstMask = done.Ipv6Dst;
            a.Ipv6.Src = Masked<Ipv6Address>(ref to, ref done, KeyLayout.Ipv6Src);
            a.Ipv6.Dst = Masked<Ipv6Address>(ref to, ref done, KeyLayout.Ipv6Dst);
            _program.Add(a);
        }

        if (Take<byte>(ref to, ref writes, ref done, KeyLayout.NwTos) | Take<byte>(ref to, ref writes, ref done, KeyLayout.NwTtl) | Take<Be32>(ref to, ref writes, ref done, KeyLayout.Ipv6Label))
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
        if (!(Take<Be16>(ref to, ref writes, ref done, KeyLayout.TpSrc) | Take<Be16>(ref to, ref writes, ref done, KeyLayout.TpDst))) return;
        DpAction a = new() { Op = DpOp.SetL4 };
        a.L4.Proto = to.Current.NwProto;
        (a.L4.SrcMask, a.L4.Src) = (done.TpSrc, new Be16((ushort)(to.Current.TpSrc.Raw & done.TpSrc.Raw)));
        (a.L4.DstMask, a.L4.Dst) = (done.TpDst, new Be16((ushort)(to.Current.TpDst.Raw & done.TpDst.Raw)));
        _program.Add(a);
    }

    private void EmitArp(ref Point to, ref FlowKey writes, ref FlowKey done)
    {
        bool any = Take<byte>(ref to, ref writes, ref done, KeyLayout.NwProto) | Take<Be32>(ref to, ref writes, ref done, KeyLayout.NwSrc) | Take<Be32>(ref to, ref writes, ref done, KeyLayout.NwDst)
                 | Take<EthAddress>(ref to, ref writes, ref done, KeyLayout.ArpSha) | Take<EthAddress>(ref to, ref writes, ref done, KeyLayout.ArpTha);
        if (!any) return;
        DpAction a = new() { Op = DpOp.SetArp };
        (a.Arp.OpMask, a.Arp.Op) = (Be16.FromHost(done.NwProto), Be16.FromHost((ushort)(to.Current.NwProto & done.NwProto)));
        (a.Arp.SpaMask, a.Arp.Spa) = (done.NwSrc, new Be32(to.Current.NwSrc.Raw & done.NwSrc.Raw));
        (a.Arp.TpaMask, a.Arp.Tpa) = (done.NwDst, new Be32(to.Current.NwDst.Raw & done.NwDst.Raw));
        a.Arp.ShaMask = done.ArpSha;
        a.Arp.ThaMask = done.ArpTha;
        a.Arp.Sha = Masked<EthAddress>(ref to, ref done, KeyLayout.ArpSha);
        a.Arp.Tha = Masked<EthAddress>(ref to, ref done, KeyLayout.ArpTha);
        _program.Add(a);
    }
}
