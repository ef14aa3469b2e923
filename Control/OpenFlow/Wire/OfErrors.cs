using System.Collections.Frozen;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Errors by their names in Open vSwitch, and how each version of OpenFlow says them (OVS <c>ofperr_encode_msg__</c>).</summary>
public static partial class OfErrors
{
    /// <summary>How much of the refused message goes back: as Open vSwitch does it all of it, where the standard asks for 64 bytes.</summary>
    public const int QuotedBytes = ushort.MaxValue - 64;

    private const uint Standard = 0;
    private const uint Nicira = 0x2320;
    private const uint Onf = 0x4f4e4600;

    /// <summary>Type of an error with a vendor (<c>OFPET12_EXPERIMENTER</c>), and in 1.0 and 1.1 Nicira's (<c>NXET_VENDOR</c>, <c>NXVC_VENDOR_ERROR</c>).</summary>
    private const ushort ExperimenterType = 0xffff;
    private const ushort NiciraType = 0xb0c2;

    /// <summary>Said where a version has no code (<c>NXBRC_UNENCODABLE_ERROR</c>).</summary>
    private const string Unencodable = "NXBRC_UNENCODABLE_ERROR";

    private static readonly Row[] s_rows = Rows();
    private static readonly FrozenDictionary<string, Row[]> s_byName = s_rows.GroupBy(static r => r.Name).ToFrozenDictionary(static g => g.Key, static g => g.ToArray());

    /// <summary>There is such an error.</summary>
    public static bool IsKnown(string name) => s_byName.ContainsKey(name);

    /// <summary>The body of an error message behind its header, without the quotation.</summary>
    internal static void Write(OfWriter writer, string name)
    {
        Row row = Find(name, writer.Version);
        if (row.Vendor == Standard)
        {
            writer.U16(row.Type);
            writer.U16(row.Code!.Value);
        }
        else if (writer.Version < OfVersion.V12)
        {
            writer.U16(NiciraType);
            writer.U16(0);
            writer.U32(row.Vendor);
            writer.U16(row.Type);
            writer.U16(row.Code ?? 0);
        }
        else
        {
            writer.U16(ExperimenterType);
            writer.U16(row.Type);
            writer.U32(row.Vendor);
        }
    }

    /// <summary>The name of an error message's body; null = unknown.</summary>
    public static string? NameOf(ReadOnlySpan<byte> body, OfVersion version)
    {
        if (body.Length < 4) return null;
        var reader = new OfReader(body, version);
        (ushort type, ushort? code, uint vendor) = (reader.U16(), reader.U16(), Standard);
        if (type == NiciraType && version < OfVersion.V12 && reader.Left >= 8) (vendor, type, code) = (reader.U32(), reader.U16(), reader.U16());
        else if (type == ExperimenterType && version >= OfVersion.V12 && reader.Left >= 4) (type, code, vendor) = (code.Value, null, reader.U32());
        return Array.Find(s_rows, r => r.Vendor == vendor && r.Type == type && r.Code == code && version >= r.First && version <= r.Last)?.Name;
    }

    private static Row Find(string name, OfVersion version)
    {
        Row[] rows = s_byName.GetValueOrDefault(name) ?? s_byName["OFPBRC_EPERM"];
        return Array.Find(rows, r => version >= r.First && version <= r.Last) ?? Find(Unencodable, version);
    }

    /// <summary>How some versions say an error.</summary>
    private sealed record Row(string Name, uint Vendor, OfVersion First, OfVersion Last, ushort Type, ushort? Code);
}
