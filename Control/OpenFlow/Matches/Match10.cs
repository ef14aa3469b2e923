using System.Numerics;
using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <summary><c>struct ofp10_match</c>, 40 bytes.</summary>
internal static class Match10
{
    /// <summary>Size in bytes.</summary>
    public const int SizeBytes = 40;

    private const uint InPort = 1 << 0;
    private const uint DlVlan = 1 << 1;
    private const uint DlSrc = 1 << 2;
    private const uint DlDst = 1 << 3;
    private const uint DlType = 1 << 4;
    private const uint NwProto = 1 << 5;
    private const uint TpSrc = 1 << 6;
    private const uint TpDst = 1 << 7;
    private const int NwSrcShift = 8;
    private const int NwDstShift = 14;
    private const uint DlVlanPcp = 1 << 20;
    private const uint NwTos = 1 << 21;
    private const ushort VlanNone = 0xffff;
    private const ushort TagPresent = 0x1000;

    /// <summary>No field is a wildcard: such a flow comes before all others, whatever its priority says.</summary>
    public static bool IsExact(ReadOnlySpan<byte> bytes) => bytes.Length >= 4 && ((bytes[1] & 0x3f) | bytes[2] | bytes[3]) == 0;

    /// <summary>Reads it; what lacks its headers is left out.</summary>
    public static void Read(ref OfReader r, ref Match m)
    {
        uint wild = r.U32();
        ushort inPort = r.U16();
        UInt128 source = OfReader.Number(r.Take(6)), destination = OfReader.Number(r.Take(6));
        (ushort vlan, byte pcp) = (r.U16(), r.U8());
        r.Skip(1);
        (ushort type, byte tos, byte proto) = (r.U16(), r.U8(), r.U8());
        r.Skip(2);
        (uint nwSrc, uint nwDst, ushort tpSrc, ushort tpDst) = (r.U32(), r.U32(), r.U16(), r.U16());
        if ((wild & InPort) == 0) MatchCodec.Set(ref m, FieldId.InPortOxm, inPort);
        if ((wild & DlSrc) == 0) MatchCodec.Set(ref m, FieldId.EthSrc, source);
        if ((wild & DlDst) == 0) MatchCodec.Set(ref m, FieldId.EthDst, destination);
        if ((wild & DlType) == 0) MatchCodec.Set(ref m, FieldId.EthType, type);
        ReadVlan(wild, vlan, pcp, ref m);
        if ((wild & NwTos) == 0) MatchCodec.Set(ref m, FieldId.NwTos, (UInt128)(tos & 0xfc));
        if ((wild & NwProto) == 0) MatchCodec.Set(ref m, FieldId.IpProto, proto);
        MatchCodec.Set(ref m, FieldId.Ipv4Src, nwSrc, Prefix(wild >> NwSrcShift));
        MatchCodec.Set(ref m, FieldId.Ipv4Dst, nwDst, Prefix(wild >> NwDstShift));
        if ((wild & TpSrc) == 0) MatchCodec.Set(ref m, FieldId.TcpSrc, tpSrc);
        if ((wild & TpDst) == 0) MatchCodec.Set(ref m, FieldId.TcpDst, tpDst);
        MatchCodec.Normalize(ref m);
    }

    /// <summary>Writes it; what it has no room for is left out.</summary>
    public static void Write(OfWriter w, ref Match match)
    {
        ref FlowKey mask = ref match.Mask.Key;
        ref FlowKey value = ref match.Value.Key;
        uint wild = mask.InPort.Raw == 0 ? InPort : 0;
        wild |= mask.DlSrc.Equals(default) ? DlSrc : 0;
        wild |= mask.DlDst.Equals(default) ? DlDst : 0;
        wild |= mask.DlType.Raw == 0 ? DlType : 0;
        wild |= mask.NwProto == 0 ? NwProto : 0;
        wild |= mask.TpSrc.Raw == 0 ? TpSrc : 0;
        wild |= mask.TpDst.Raw == 0 ? TpDst : 0;
        wild |= (mask.NwTos & 0xfc) == 0 ? NwTos : 0;
        wild |= (uint)BitOperations.TrailingZeroCount(mask.NwSrc.Host) << NwSrcShift;
        wild |= (uint)BitOperations.TrailingZeroCount(mask.NwDst.Host) << NwDstShift;
        (ushort vlan, byte pcp) = Vlan(ref match, ref wild);
        w.U32(wild);
        w.U16((ushort)value.InPort.Host);
        w.Number(Fields.Of(FieldId.EthSrc).Get(ref match.Value), 6);
        w.Number(Fields.Of(FieldId.EthDst).Get(ref match.Value), 6);
        w.U16(vlan);
        w.U8(pcp);
        w.U8(0);
        w.U16(value.DlType.Host);
        w.U8((byte)(value.NwTos & 0xfc));
        w.U8(value.NwProto);
        w.U16(0);
        w.U32(value.NwSrc.Host);
        w.U32(value.NwDst.Host);
        w.U16(value.TpSrc.Host);
        w.U16(value.TpDst.Host);
    }

    private static (ushort Vlan, byte Pcp) Vlan(ref Match match, ref uint wild)
    {
        (ushort mask, ushort tci) = (match.Mask.Key.Vlan0Tci.Host, match.Value.Key.Vlan0Tci.Host);
        if (mask == 0)
        {
            wild |= DlVlan | DlVlanPcp;
            return (0, 0);
        }

        if ((mask & TagPresent) != 0 && (tci & TagPresent) == 0) return (VlanNone, 0);
        if ((mask & 0xfff) == 0) wild |= DlVlan;
        if ((mask & 0xe000) == 0) wild |= DlVlanPcp;
        return ((ushort)(tci & 0xfff), (byte)(tci >> 13));
    }

    private static void ReadVlan(uint wild, ushort vlan, byte pcp, ref Match m)
    {
        ushort mask = (ushort)(((wild & DlVlan) == 0 ? 0x1fff : 0) | ((wild & DlVlanPcp) == 0 ? 0xf000 : 0));
        ushort tci = (ushort)(((vlan & 0xfff) | (pcp << 13) | TagPresent) & mask);
        if ((wild & DlVlan) == 0 && vlan == VlanNone) (mask, tci) = (0xffff, 0);
        m.Mask.Key.Vlan0Tci = Be16.FromHost(mask);
        m.Value.Key.Vlan0Tci = Be16.FromHost(tci);
    }

    private static uint Prefix(uint wildBits) => (wildBits & 63) >= 32 ? 0 : uint.MaxValue << (int)(wildBits & 63);
}
