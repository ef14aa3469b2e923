using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <summary><c>struct ofp11_match</c>, 88 bytes.</summary>
internal static class Match11
{
    private const int SizeBytes = 88;
    private const uint InPort = 1 << 0;
    private const uint DlVlan = 1 << 1;
    private const uint DlVlanPcp = 1 << 2;
    private const uint DlType = 1 << 3;
    private const uint NwTos = 1 << 4;
    private const uint NwProto = 1 << 5;
    private const uint TpSrc = 1 << 6;
    private const uint TpDst = 1 << 7;
    private const uint MplsLabel = 1 << 8;
    private const uint MplsTc = 1 << 9;
    private const ushort VlanNone = 0xffff;
    private const ushort VlanAny = 0xfffe;

    /// <summary>Reads it; what lacks its headers is left out.</summary>
    public static void Read(ref OfReader r, ref Match m)
    {
        (ushort kind, ushort length) = (r.U16(), r.U16());
        if (kind != 0) throw new OfRefusal("OFPBMC_BAD_TYPE", $"type {kind} of a match");
        if (length != SizeBytes) throw new OfRefusal("OFPBMC_BAD_LEN", $"a match of {length} bytes");
        (uint inPort, uint wild) = (r.U32(), r.U32());
        UInt128 src = OfReader.Number(r.Take(6)), srcWild = OfReader.Number(r.Take(6)), dst = OfReader.Number(r.Take(6)), dstWild = OfReader.Number(r.Take(6));
        (ushort vlan, byte pcp) = (r.U16(), r.U8());
        r.Skip(1);
        (ushort type, byte tos, byte proto) = (r.U16(), r.U8(), r.U8());
        (uint nwSrc, uint nwSrcWild, uint nwDst, uint nwDstWild, ushort tpSrc, ushort tpDst) = (r.U32(), r.U32(), r.U32(), r.U32(), r.U16(), r.U16());
        (uint label, byte tc) = (r.U32(), r.U8());
        r.Skip(3);
        (ulong metadata, ulong metadataWild) = (r.U64(), r.U64());
        if ((wild & InPort) == 0) MatchCodec.Set(ref m, FieldId.InPortOxm, ActionReader.NarrowPort(inPort, "OFPBMC_BAD_VALUE"));
        MatchCodec.Set(ref m, FieldId.EthSrc, src, ~srcWild & 0xffff_ffff_ffff);
        MatchCodec.Set(ref m, FieldId.EthDst, dst, ~dstWild & 0xffff_ffff_ffff);
        if ((wild & DlVlan) == 0) ReadVlan(wild, vlan, pcp, ref m);
        if ((wild & DlType) == 0) MatchCodec.Set(ref m, FieldId.EthType, type);
        if ((wild & NwTos) == 0) MatchCodec.Set(ref m, FieldId.NwTos, (UInt128)(tos < 64 ? tos << 2 : throw Bad("nw_tos")));
        if ((wild & NwProto) == 0) MatchCodec.Set(ref m, FieldId.IpProto, proto);
        MatchCodec.Set(ref m, FieldId.Ipv4Src, nwSrc, ~nwSrcWild);
        MatchCodec.Set(ref m, FieldId.Ipv4Dst, nwDst, ~nwDstWild);
        if ((wild & TpSrc) == 0) MatchCodec.Set(ref m, FieldId.TcpSrc, tpSrc);
        if ((wild & TpDst) == 0) MatchCodec.Set(ref m, FieldId.TcpDst, tpDst);
        if ((wild & MplsLabel) == 0) MatchCodec.Set(ref m, FieldId.MplsLabel, label <= 0xfffff ? label : throw Bad("mpls_label"));
        if ((wild & MplsTc) == 0) MatchCodec.Set(ref m, FieldId.MplsTc, tc <= 7 ? tc : throw Bad("mpls_tc"));
        MatchCodec.Set(ref m, FieldId.Metadata, metadata, ~metadataWild);
        MatchCodec.Normalize(ref m);
    }

    /// <summary>Writes it; what it has no room for is left out.</summary>
    public static void Write(OfWriter w, ref Match match)
    {
        ref FlowKey mask = ref match.Mask.Key;
        ref FlowKey value = ref match.Value.Key;
        bool isMpls = value.DlType.Host is EthType.Mpls or EthType.MplsMcast;
        uint lse = mask.MplsLse0.Host;
        uint wild = mask.InPort.Raw == 0 ? InPort : 0;
        wild |= mask.DlType.Raw == 0 ? DlType : 0;
        wild |= (mask.NwTos & 0xfc) == 0 ? NwTos : 0;
        wild |= mask.NwProto == 0 ? NwProto : 0;
        wild |= mask.TpSrc.Raw == 0 ? TpSrc : 0;
        wild |= mask.TpDst.Raw == 0 ? TpDst : 0;
        wild |= !isMpls || lse >> 12 == 0 ? MplsLabel : 0;
        wild |= !isMpls || (lse & 0xe00) == 0 ? MplsTc : 0;
        (ushort vlan, byte pcp) = Vlan(ref match, ref wild);
        w.U16(0);
        w.U16(SizeBytes);
        w.U32((wild & InPort) != 0 ? 0 : OfPorts.Widen(value.InPort.Host));
        w.U32(wild);
        PutMasked(w, ref match, FieldId.EthSrc, 6);
        PutMasked(w, ref match, FieldId.EthDst, 6);
        w.U16(vlan);
        w.U8(pcp);
        w.U8(0);
        w.U16(value.DlType.Host);
        w.U8((byte)(value.NwTos >> 2));
        w.U8(value.NwProto);
        PutMasked(w, ref match, FieldId.Ipv4Src, 4);
        PutMasked(w, ref match, FieldId.Ipv4Dst, 4);
        w.U16(value.TpSrc.Host);
        w.U16(value.TpDst.Host);
        w.U32((wild & MplsLabel) != 0 ? 0 : value.MplsLse0.Host >> 12);
        w.U8((byte)((wild & MplsTc) != 0 ? 0 : (value.MplsLse0.Host >> 9) & 7));
        w.Zeros(3);
        PutMasked(w, ref match, FieldId.Metadata, 8);
    }

    private static void PutMasked(OfWriter w, ref Match match, FieldId id, int byteCount)
    {
        w.Number(Fields.Of(id).Get(ref match.Value), byteCount);
        w.Number(~Fields.Of(id).Get(ref match.Mask), byteCount);
    }

    private static (ushort Vlan, byte Pcp) Vlan(ref Match match, ref uint wild)
    {
        (ushort mask, ushort tci) = (match.Mask.Key.Vlan0Tci.Host, match.Value.Key.Vlan0Tci.Host);
        if (mask == 0)
        {
            wild |= DlVlan | DlVlanPcp;
            return (0, 0);
        }

        if ((mask & 0x1000) != 0 && (tci & 0x1000) == 0)
        {
            wild |= DlVlanPcp;
            return (VlanNone, 0);
        }

        if ((mask & 0xe000) == 0) wild |= DlVlanPcp;
        return ((mask & 0xfff) == 0 ? VlanAny : (ushort)(tci & 0xfff), (byte)(tci >> 13));
    }

    private static void ReadVlan(uint wild, ushort vlan, byte pcp, ref Match m)
    {
        (ushort mask, ushort tci) = vlan switch
        {
            VlanNone => (ushort.MaxValue, (ushort)0),
            VlanAny => ((ushort)0x1000, (ushort)0x1000),
            < 0x1000 => ((ushort)0x1fff, (ushort)(vlan | 0x1000)),
            _ => throw new OfRefusal("OFPBMC_BAD_VALUE", "dl_vlan"),
        };
        if (vlan != VlanNone && (wild & DlVlanPcp) == 0)
        {
            mask |= 0xe000;
            tci |= (ushort)((pcp <= 7 ? pcp : throw Bad("dl_vlan_pcp")) << 13);
        }

        m.Mask.Key.Vlan0Tci = Be16.FromHost(mask);
        m.Value.Key.Vlan0Tci = Be16.FromHost(tci);
    }

    private static OfRefusal Bad(string field) => new("OFPBMC_BAD_VALUE", field);
}
