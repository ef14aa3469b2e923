using System.Collections.Frozen;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Fields by their headers on the wire (OVS <c>mf_oxm_header</c>, <c>mf_from_oxm_header</c>).</summary>
internal static partial class OxmFields
{
    private const uint NoVendor = 0;
    private const uint Nicira = 0x2320;
    private const uint Onf = 0x4f4e4600;
    private const OfVersion NoVersion = 0;

    private static readonly OxmField[] s_rows = Rows();
    private static readonly FrozenDictionary<(ushort, byte, uint), FieldId> s_byHeader = s_rows.ToFrozenDictionary(static r => (r.Class, r.Number, r.Vendor), static r => r.Id);
    private static readonly OxmField?[][] s_byField = ByField();

    /// <summary>The field; null = unknown.</summary>
    public static Field? Find(OxmHeader header) => s_byHeader.TryGetValue((header.Class, header.Number, header.Vendor), out FieldId id) ? Fields.Of(id) : null;

    /// <summary>How a version writes the field; 0 = as NXM. Null = it has no header at all.</summary>
    public static OxmField? Of(FieldId id, OfVersion version) => s_byField[(int)id][(int)version];

    /// <summary>Bytes of its value on the wire (OVS <c>mf_field.n_bytes</c>).</summary>
    public static int SizeBytes(Field field) => field.Id == FieldId.TunFlags ? 2 : field.ValueSizeBytes;

    /// <summary>All of its bits that can be matched.</summary>
    public static UInt128 FullMask(Field field)
    {
        PipelineFlow ones = default;
        ones.Bytes.Fill(0xff);
        return field.Get(ref ones);
    }

    private static OxmField?[][] ByField()
    {
        var table = new OxmField?[(int)FieldId.TunMetadata0 + 1][];
        for (int id = 0; id < table.Length; id++)
        {
            table[id] = new OxmField?[(int)OfVersion.V15 + 1];
            foreach (OxmField row in s_rows)
            {
                if ((int)row.Id != id) continue;
                for (int version = 0; version < table[id].Length; version++)
                {
                    if (table[id][version] is null || version >= (int)row.Since) table[id][version] = row;
                }
            }
        }

        return table;
    }
}

/// <summary>A way to write a field.</summary>
/// <param name="Id">Field.</param>
/// <param name="Class"><c>OFPXMC_*</c>.</param>
/// <param name="Number">Number within the class, 0..127.</param>
/// <param name="Vendor">Experimenter; 0 = none.</param>
/// <param name="Since">First version of OpenFlow that knows it; 0 = all, as NXM.</param>
internal sealed record OxmField(FieldId Id, ushort Class, byte Number, uint Vendor, OfVersion Since)
{
    /// <summary>Writes the header.</summary>
    public void Write(OfWriter writer, bool hasMask, int lengthBytes)
    {
        writer.U16(Class);
        writer.U8((byte)((Number << 1) | (hasMask ? 1 : 0)));
        writer.U8((byte)(lengthBytes + (Vendor != 0 ? 4 : 0)));
        if (Vendor != 0) writer.U32(Vendor);
    }
}
