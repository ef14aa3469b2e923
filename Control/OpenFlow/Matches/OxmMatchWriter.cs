namespace Mergeflow.Control.OpenFlow;

/// <summary>Writes matches as lists of fields, in the order of Open vSwitch (<c>nx_put_raw</c>).</summary>
internal static class OxmMatchWriter
{
    private static readonly FieldId[] s_metadata = [FieldId.DpHash, FieldId.RecircId, FieldId.ConjId];

    private static readonly FieldId[] s_tunnel =
    [
        FieldId.TunId, FieldId.TunFlags, FieldId.TunSrc, FieldId.TunDst, FieldId.TunIpv6Src, FieldId.TunIpv6Dst, FieldId.TunGbpId, FieldId.TunGbpFlags, FieldId.TunMetadata0,
    ];

    private static readonly FieldId[] s_connection =
    [
        FieldId.PktMark, FieldId.CtState, FieldId.CtZone, FieldId.CtMark, FieldId.CtLabel, FieldId.CtNwSrc, FieldId.CtIpv6Src, FieldId.CtNwDst, FieldId.CtIpv6Dst,
        FieldId.CtNwProto, FieldId.CtTpSrc, FieldId.CtTpDst, FieldId.Metadata,
    ];

    /// <summary>Writes <c>struct ofp_match</c> of OpenFlow 1.2 and later with its padding.</summary>
    public static void Write(OfWriter writer, ref Match match)
    {
        int start = writer.Length;
        writer.U16(1);
        writer.U16(0);
        WriteFields(writer, ref match, writer.Version);
        writer.PatchLength(start + 2, start);
        writer.PadTo8(start);
    }

    /// <summary>Writes a match in NXM with its padding; returns its length without.</summary>
    public static int WriteNxm(OfWriter writer, ref Match match, (ulong Value, ulong Mask) cookie = default)
    {
        int start = writer.Length;
        WriteFields(writer, ref match, 0);
        if (cookie.Mask != 0)
        {
            bool hasMask = cookie.Mask != ulong.MaxValue;
            new OxmField(0, 1, 30, 0, 0).Write(writer, hasMask, hasMask ? 16 : 8);
            writer.U64(cookie.Value & cookie.Mask);
            if (hasMask) writer.U64(cookie.Mask);
        }

        int length = writer.Length - start;
        writer.PadTo8(start);
        return length;
    }

    /// <summary>Writes the fields; <paramref name="version"/> 0 = as NXM.</summary>
    public static void WriteFields(OfWriter writer, ref Match match, OfVersion version)
    {
        Put(writer, ref match, s_metadata, version);
        Put(writer, ref match, version == 0 ? FieldId.InPort : FieldId.InPortOxm, version);
        Put(writer, ref match, FieldId.ActsetOutput, version);
        Put(writer, ref match, FieldId.EthSrc, version);
        Put(writer, ref match, FieldId.EthDst, version);
        Put(writer, ref match, FieldId.EthType, version);
        if (version == 0) Put(writer, ref match, FieldId.VlanTci, version);
        else PutVlan(writer, ref match, version);
        Put(writer, ref match, OxmNetworkFields.Of(ref match, version != 0), version);
        Put(writer, ref match, s_tunnel, version);
        if (version < OfVersion.V15)
        {
            for (FieldId id = FieldId.Reg0; id <= FieldId.Reg15; id++) Put(writer, ref match, id, version);
        }
        else
        {
            for (FieldId id = FieldId.XReg0; id <= FieldId.XReg7; id++) Put(writer, ref match, id, version);
        }

        Put(writer, ref match, s_connection, version);
    }

    private static void Put(OfWriter writer, ref Match match, ReadOnlySpan<FieldId> ids, OfVersion version)
    {
        foreach (FieldId id in ids) Put(writer, ref match, id, version);
    }

    private static void Put(OfWriter writer, ref Match match, FieldId id, OfVersion version)
    {
        Field field = Fields.Of(id);
        UInt128 mask = field.Get(ref match.Mask);
        if (mask == 0) return;
        UInt128 value = field.Get(ref match.Value);
        if (id is FieldId.InPortOxm or FieldId.ActsetOutput) value = OfPorts.Widen((uint)value);
        bool isWhole = mask == OxmFields.FullMask(field) && id is not (FieldId.TunFlags or FieldId.CtState);
        new OxmEntry(field, value, isWhole ? OxmEntry.Ones(field) : mask).Write(writer, version);
    }

    private static void PutVlan(OfWriter writer, ref Match match, OfVersion version)
    {
        ushort mask = match.Mask.Key.Vlan0Tci.Host;
        ushort tci = match.Value.Key.Vlan0Tci.Host;
        Field vid = Fields.Of(FieldId.VlanVid);
        int vidMask = mask & 0x1fff;
        if (vidMask != 0) new OxmEntry(vid, (UInt128)(tci & 0x1fff), vidMask == 0x1fff ? OxmEntry.Ones(vid) : (UInt128)vidMask).Write(writer, version);
        Field pcp = Fields.Of(FieldId.VlanPcp);
        if ((tci & 0x1fff) != 0 && (mask & 0xe000) != 0) new OxmEntry(pcp, (UInt128)(tci >> 13), OxmEntry.Ones(pcp)).Write(writer, version);
    }
}
