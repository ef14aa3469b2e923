namespace Mergeflow.Control.OpenFlow;

/// <summary>Reads lists of actions of every version, with Nicira's (OVS <c>ofpacts_pull_openflow_actions</c>).</summary>
internal static partial class ActionReader
{
    internal const ushort VendorType = 0xffff;
    internal const uint NiciraVendor = 0x2320;
    internal const uint OnfVendor = 0x4f4e4600;
    internal const string BadLength = "OFPBAC_BAD_LEN";

    /// <summary>How deep actions may stand in actions (OVS <c>MAX_OFPACT_PARSE_DEPTH</c>).</summary>
    private const int MaxDepth = 100;

    /// <summary>Reads actions up to the end of <paramref name="reader"/>.</summary>
    /// <exception cref="OfRefusal">One is not as it should be.</exception>
    public static EquatableList<OfAction> ReadList(OfReader reader, int depth = 0)
    {
        if (depth > MaxDepth) throw new OfRefusal("OFPBAC_TOO_MANY", "actions nested too deeply");
        if (reader.Left == 0) return EquatableList<OfAction>.Empty;
        List<OfAction> list = [];
        while (reader.Left > 0) Read(TakeOne(ref reader), list, depth);
        return new EquatableList<OfAction>(list);
    }

    /// <summary>The next action: type, length and what belongs to it.</summary>
    private static OfReader TakeOne(ref OfReader reader)
    {
        ReadOnlySpan<byte> rest = reader.Rest;
        if (rest.Length < 8) throw new OfRefusal(BadLength, "an action is not whole");
        int length = (rest[2] << 8) | rest[3];
        if (length < 8 || length % 8 != 0 || length > rest.Length) throw new OfRefusal(BadLength, $"an action of {length} bytes");
        return reader.Part(length, BadLength);
    }

    private static void Read(OfReader action, List<OfAction> list, int depth)
    {
        ushort type = action.U16();
        action.Skip(2);
        if (type != VendorType)
        {
            list.Add(action.Version == OfVersion.V10 ? ReadStandard10(type, ref action) : ReadStandard11(type, ref action));
            return;
        }

        uint vendor = action.U32();
        if (vendor != NiciraVendor && vendor != OnfVendor) throw new OfRefusal("OFPBAC_BAD_VENDOR", $"experimenter 0x{vendor:x}");
        if (action.Left < 8) throw new OfRefusal(BadLength, "an action is not whole");
        ushort subtype = action.U16();
        list.Add((vendor == OnfVendor ? ReadOnf(subtype, ref action) : ReadNicira(subtype, ref action, depth)) ?? throw new OfRefusal("OFPBAC_BAD_VENDOR_TYPE", $"action {subtype} of 0x{vendor:x}"));
    }

    /// <summary>Nothing but padding is left of an action that has one length.</summary>
    private static T Fixed<T>(ref OfReader action, int lengthBytes, T value)
    {
        if (action.At + action.Left != lengthBytes) throw new OfRefusal(BadLength, $"an action of {action.At + action.Left} bytes instead of {lengthBytes}");
        return value;
    }

    /// <summary>A range of bits that can be read (OVS <c>mf_check_src</c>).</summary>
    internal static Subfield Source(Field field, int start, int count)
    {
        if (count == 0 || start + count > field.BitCount) throw new OfRefusal("OFPBAC_BAD_SET_LEN", $"bits {start} and {count} more of {field.Name}");
        return new Subfield(field, start, count);
    }

    /// <summary>A range of bits that can be written (OVS <c>mf_check_dst</c>).</summary>
    internal static Subfield Destination(Field field, int start, int count)
    {
        Subfield range = Source(field, start, count);
        return field.Writable ? range : throw new OfRefusal("OFPBAC_BAD_SET_ARGUMENT", $"{field.Name} is not writable");
    }

    /// <summary>A field by its header of 32 bits.</summary>
    internal static Field FieldOf(uint header) => Known(OxmHeader.Of(header));

    /// <summary>A field by its header of 4 or 8 bytes.</summary>
    internal static Field ReadField(ref OfReader reader) => Known(OxmHeader.Read(ref reader));

    private static Field Known(OxmHeader header)
    {
        Field field = OxmFields.Find(header) ?? throw new OfRefusal(header.IsOption ? "NXFMFC_INVALID_TLV_FIELD" : "OFPBAC_BAD_SET_TYPE", $"unknown field: class 0x{header.Class:x}, number {header.Number}");
        bool fits = field.Id == FieldId.TunMetadata0 || header.LengthBytes == OxmFields.SizeBytes(field);
        return fits && !header.HasMask ? field : throw new OfRefusal("OFPBAC_BAD_SET_TYPE", $"length of {field.Name}");
    }

    /// <summary>Range of bits in one number: start in the upper ten, count - 1 in the lower six.</summary>
    private static (int Start, int Count) Range(ushort ofsBits) => (ofsBits >> 6, (ofsBits & 0x3f) + 1);
}
