using System.Runtime.CompilerServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// The common rewrite (Ethernet addresses, IPv4 addresses, ttl, tos, ports) as plain stores: the rule pins the old values, so the checksum
/// differences are constants of the rule.
/// </summary>
public static unsafe class MergedRewrite
{
    /// <summary>Rewrites a packet of the rule in place. The parsed key no longer describes the bytes afterwards.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Apply(Packet* p, MergedHot* hot)
    {
        MergedRewriteFields fields = hot->Rewrites;
        byte* data = p->Data;
        if ((fields & MergedRewriteFields.DlDst) != 0) Unsafe.WriteUnaligned(data, hot->DlDst);
        if ((fields & MergedRewriteFields.DlSrc) != 0) Unsafe.WriteUnaligned(data + 6, hot->DlSrc);
        p->Flags &= ~PacketFlags.Parsed;
        if ((fields & ~(MergedRewriteFields.DlDst | MergedRewriteFields.DlSrc)) == 0) return;

        byte* ip = data + p->L3Offset;
        if ((fields & MergedRewriteFields.NwTtl) != 0) ip[8] = hot->NwTtl;
        if ((fields & MergedRewriteFields.NwTos) != 0) ip[1] = hot->NwTos;
        AddTo(ip + 10, hot->IpCsumAdd);
        if ((fields & MergedRewriteFields.Tuple) == 0) return;

        Unsafe.WriteUnaligned(ip + 12, Unsafe.ReadUnaligned<ulong>(&hot->NwSrc));
        byte* l4 = data + p->L4Offset;
        Unsafe.WriteUnaligned(l4, Unsafe.ReadUnaligned<uint>(&hot->TpSrc));
        byte* csum = l4 + hot->L4CsumOffset;
        if (hot->L4CsumOffset == 16)
        {
            AddTo(csum, hot->L4CsumAdd);
            return;
        }

        // UDP without a checksum stays so; a checksum that comes out as 0 is sent as 0xffff.
        if (Unsafe.ReadUnaligned<ushort>(csum) == 0) return;
        AddTo(csum, hot->L4CsumAdd);
        if (Unsafe.ReadUnaligned<ushort>(csum) == 0) Unsafe.WriteUnaligned<ushort>(csum, 0xffff);
    }

    /// <summary>Fills the precomputed part of <paramref name="hot"/>; false if the rule's program is not of this shape.</summary>
    internal static bool TryPlan(MergedFlow rule, MergedHot* hot)
    {
        ReadOnlySpan<DpAction> program = rule.Program;
        if (program.IsEmpty || program[^1].Op != DpOp.Output) return false;
        if (program.Length == 1)
        {
            hot->Shape = MergedShape.OutputOnly;
            hot->OutPort = program[0].Port;
            return true;
        }

        if (!IsCheckedIpv4(rule)) return false;
        ref FlowKey old = ref rule.Value;
        hot->NwSrc = old.NwSrc;
        hot->NwDst = old.NwDst;
        hot->TpSrc = old.TpSrc;
        hot->TpDst = old.TpDst;
        hot->L4CsumOffset = old.NwProto == IpProto.Tcp ? (byte)16 : (byte)6;
        foreach (ref readonly DpAction a in program[..^1])
        {
            if (!Plan(rule, in a, hot)) return false;
        }

        uint addresses = Change(old.NwSrc.Raw, hot->NwSrc.Raw) + Change(old.NwDst.Raw, hot->NwDst.Raw);
        uint ports = Change(old.TpSrc.Raw, hot->TpSrc.Raw) + Change(old.TpDst.Raw, hot->TpDst.Raw);
        uint bytes = 0;
        if ((hot->Rewrites & MergedRewriteFields.NwTtl) != 0) bytes += Change(old.NwTtl, hot->NwTtl);
        if ((hot->Rewrites & MergedRewriteFields.NwTos) != 0) bytes += Change((uint)old.NwTos << 8, (uint)hot->NwTos << 8);
        hot->IpCsumAdd = Fold(addresses + bytes);
        hot->L4CsumAdd = Fold(addresses + ports);
        hot->OutPort = program[^1].Port;
        hot->Shape = MergedShape.RewriteOutput;
        return true;
    }

    private static bool IsCheckedIpv4(MergedFlow rule)
        => rule.RequiresCsum && rule.Value.DlType.Host == EthType.Ip && rule.Value.NwProto is IpProto.Tcp or IpProto.Udp
        && rule.Mask.NwSrc.Raw == ~0u && rule.Mask.NwDst.Raw == ~0u && rule.Mask.TpSrc.Raw == 0xffff && rule.Mask.TpDst.Raw == 0xffff;

    private static bool Plan(MergedFlow rule, ref readonly DpAction a, MergedHot* hot)
    {
        switch (a.Op)
        {
            case DpOp.SetEth:
                if (!AllOrNothing(a.Eth.DstMask.ToUInt64(), 0xffff_ffff_ffff) || !AllOrNothing(a.Eth.SrcMask.ToUInt64(), 0xffff_ffff_ffff)) return false;
                if (a.Eth.DstMask.ToUInt64() != 0) (hot->DlDst, hot->Rewrites) = (a.Eth.Dst, hot->Rewrites | MergedRewriteFields.DlDst);
                if (a.Eth.SrcMask.ToUInt64() != 0) (hot->DlSrc, hot->Rewrites) = (a.Eth.Src, hot->Rewrites | MergedRewriteFields.DlSrc);
                return true;
            case DpOp.SetIpv4:
                if (!AllOrNothing(a.Ipv4.SrcMask.Raw, ~0u) || !AllOrNothing(a.Ipv4.DstMask.Raw, ~0u)) return false;
                if (!Pinned(a.Ipv4.TtlMask, rule.Mask.NwTtl) || !Pinned(a.Ipv4.TosMask, rule.Mask.NwTos)) return false;
                if (a.Ipv4.SrcMask.Raw != 0) (hot->NwSrc, hot->Rewrites) = (a.Ipv4.Src, hot->Rewrites | MergedRewriteFields.Tuple);
                if (a.Ipv4.DstMask.Raw != 0) (hot->NwDst, hot->Rewrites) = (a.Ipv4.Dst, hot->Rewrites | MergedRewriteFields.Tuple);
                if (a.Ipv4.TtlMask != 0) (hot->NwTtl, hot->Rewrites) = (a.Ipv4.Ttl, hot->Rewrites | MergedRewriteFields.NwTtl);
                if (a.Ipv4.TosMask != 0) (hot->NwTos, hot->Rewrites) = (a.Ipv4.Tos, hot->Rewrites | MergedRewriteFields.NwTos);
                return true;
            case DpOp.SetL4:
                if (!AllOrNothing(a.L4.SrcMask.Raw, 0xffff) || !AllOrNothing(a.L4.DstMask.Raw, 0xffff)) return false;
                if (a.L4.SrcMask.Raw != 0) (hot->TpSrc, hot->Rewrites) = (a.L4.Src, hot->Rewrites | MergedRewriteFields.Tuple);
                if (a.L4.DstMask.Raw != 0) (hot->TpDst, hot->Rewrites) = (a.L4.Dst, hot->Rewrites | MergedRewriteFields.Tuple);
                return true;
            default:
                return false;
        }
    }

    private static bool AllOrNothing(ulong mask, ulong all) => mask == 0 || mask == all;

    /// <summary>A byte may be rewritten whole if its old value is known.</summary>
    private static bool Pinned(byte setMask, byte matchMask) => setMask == 0 || (setMask == 0xff && matchMask == 0xff);

    /// <summary>Sum of the 16-bit words of ~old and new; 0 if nothing changes, so that an unchanged checksum stays as it is.</summary>
    private static uint Change(uint oldRaw, uint newRaw)
        => oldRaw == newRaw ? 0 : (~oldRaw & 0xffff) + (~oldRaw >> 16) + (newRaw & 0xffff) + (newRaw >> 16);

    private static ushort Fold(uint sum)
    {
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)((sum & 0xffff) + (sum >> 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddTo(byte* csum, ushort add)
    {
        if (add == 0) return;
        uint sum = (uint)(ushort)~Unsafe.ReadUnaligned<ushort>(csum) + add;
        sum = (sum & 0xffff) + (sum >> 16);
        Unsafe.WriteUnaligned(csum, (ushort)~sum);
    }
}
