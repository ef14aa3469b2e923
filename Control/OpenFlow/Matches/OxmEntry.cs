namespace Mergeflow.Control.OpenFlow;

/// <summary>One field with its value and mask, as actions carry it (OVS <c>nx_pull_entry</c>, <c>nx_put_entry</c>).</summary>
/// <param name="Field">Field.</param>
/// <param name="Value">Right-aligned, as on the wire: a VLAN id has <c>OFPVID_PRESENT</c>.</param>
/// <param name="Mask">All bits of the field's bytes = no mask.</param>
internal readonly record struct OxmEntry(Field Field, UInt128 Value, UInt128 Mask)
{
    /// <summary>All bits of the bytes in which the field travels.</summary>
    public static UInt128 Ones(Field field) => OxmFields.SizeBytes(field) is var n && n == 16 ? UInt128.MaxValue : (UInt128.One << (n * 8)) - 1;

    /// <summary>Reads header, value and mask of an action's field.</summary>
    public static OxmEntry Read(ref OfReader reader) => Read(ref reader, OxmHeader.Read(ref reader), "OFPBAC_BAD_SET_TYPE");

    /// <summary>Reads value and mask behind a header.</summary>
    public static OxmEntry Read(ref OfReader reader, OxmHeader header, string unknown)
    {
        Field? field = OxmFields.Find(header);
        if (header.LengthBytes > reader.Left) throw new OfRefusal("OFPBMC_BAD_LEN", "a field's value is not whole");
        if (field is null) throw new OfRefusal(unknown, $"unknown field: class 0x{header.Class:x}, number {header.Number}");
        int size = OxmFields.SizeBytes(field);
        int length = header.HasMask ? header.LengthBytes / 2 : header.LengthBytes;
        bool isVariable = field.Id == FieldId.TunMetadata0;
        bool isWhole = header.LengthBytes == length * (header.HasMask ? 2 : 1);
        if (!isWhole || (isVariable ? length is 0 or > 124 : length != size)) throw new OfRefusal(unknown, $"field {field.Name} has {size} bytes, not {length}");
        UInt128 value = Aligned(reader.Take(length), size);
        UInt128 mask = header.HasMask ? Aligned(reader.Take(length), size) : Ones(field);
        if ((value & ~mask) != 0) throw new OfRefusal("OFPBMC_BAD_WILDCARDS", $"the value of {field.Name} has bits outside its mask");
        return new OxmEntry(field, value, mask);
    }

    /// <summary>Writes header, value and mask.</summary>
    public void Write(OfWriter writer, OfVersion version)
    {
        OxmField row = OxmFields.Of(Field.Id, version) ?? throw new OfRefusal("OFPBAC_BAD_SET_TYPE", $"field {Field.Name} has no form on the wire");
        bool hasMask = Mask != Ones(Field);
        int length = OxmFields.SizeBytes(Field);
        if (Field.Id == FieldId.TunMetadata0) length = writer.TunMetadata0Bytes > 0 ? Math.Min(length, writer.TunMetadata0Bytes) : Needed(hasMask ? Mask : Value);
        row.Write(writer, hasMask, hasMask ? length * 2 : length);
        writer.Number(Value, length);
        if (hasMask) writer.Number(Mask, length);
    }

    /// <summary>A value of more bytes than there is room for must not say anything in them.</summary>
    private static UInt128 Aligned(ReadOnlySpan<byte> bytes, int size)
    {
        int more = Math.Max(0, bytes.Length - size);
        if (bytes[..more].ContainsAnyExcept((byte)0)) throw new OfRefusal("OFPBMC_BAD_VALUE", $"more than {size} bytes of a Geneve option are not supported");
        return OfReader.Number(bytes[more..]);
    }

    private static int Needed(UInt128 number) => Math.Max(1, (128 - (int)UInt128.LeadingZeroCount(number) + 7) / 8);
}
