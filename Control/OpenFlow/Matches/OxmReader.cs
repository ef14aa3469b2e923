using Mergeflow.Engine.Text;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Reads matches that are lists of fields: OXM and NXM (OVS <c>nx_pull_raw</c>).</summary>
internal static class OxmReader
{
    private const ushort OxmType = 1;

    /// <summary>NXM_NX_COOKIE: the cookie that flows must have, among the fields of a match.</summary>
    private const byte CookieNumber = 30;

    private const ushort OxmBasic = 0x8000;

    /// <summary>OXM_OF_PACKET_TYPE.</summary>
    private const byte PacketTypeNumber = 44;

    /// <summary>Reads <c>struct ofp_match</c> of OpenFlow 1.2 and later with its padding.</summary>
    public static void Read(ref OfReader reader, ref Match match)
    {
        if (reader.Left < 4) throw BadLength();
        int start = reader.At;
        (ushort type, int length) = (reader.U16(), reader.U16());
        if (type != OxmType) throw new OfRefusal("OFPBMC_BAD_TYPE", $"type {type} of a match");
        if (length < 4 || ((length + 7) & ~7) - 4 > reader.Left) throw BadLength();
        ReadFields(reader.Part(length - 4, "OFPBMC_BAD_LEN"), ref match, out _, allowsCookie: false);
        reader.SkipTo8(start);
    }

    /// <summary>Reads a match in NXM whose length stands elsewhere, with its padding.</summary>
    public static void ReadNxm(ref OfReader reader, int lengthBytes, ref Match match, out (ulong Value, ulong Mask) cookie)
    {
        if (((lengthBytes + 7) & ~7) > reader.Left) throw BadLength();
        int start = reader.At;
        ReadFields(reader.Part(lengthBytes, "OFPBMC_BAD_LEN"), ref match, out cookie, allowsCookie: true);
        reader.SkipTo8(start);
    }

    /// <summary>Reads fields up to the end.</summary>
    public static void ReadFields(OfReader reader, ref Match match, out (ulong Value, ulong Mask) cookie, bool allowsCookie)
    {
        cookie = default;
        while (reader.Left > 0)
        {
            OxmHeader header = OxmHeader.Read(ref reader);
            if (allowsCookie && header is { Class: 1, Number: CookieNumber })
            {
                cookie = ReadCookie(ref reader, header, cookie.Mask != 0);
                continue;
            }

            if (header is { Class: OxmBasic, Number: PacketTypeNumber })
            {
                ReadPacketType(ref reader, header);
                continue;
            }

            Add(ref match, OxmEntry.Read(ref reader, header, "OFPBMC_BAD_FIELD"));
        }
    }

    /// <summary>Adds a field to a match, with the checks of Open vSwitch.</summary>
    public static void Add(ref Match match, OxmEntry entry)
    {
        Field field = entry.Field;
        UInt128 ones = OxmEntry.Ones(field);
        if (!field.Maskable && entry.Mask != 0 && entry.Mask != ones) throw new OfRefusal("OFPBMC_BAD_MASK", $"{field.Name} cannot be masked");
        UInt128 value = entry.Value;
        if (field.Id is FieldId.InPortOxm or FieldId.ActsetOutput) value = ActionReader.NarrowPort((uint)value, "OFPBMC_BAD_VALUE");
        bool isValid = field.Id == FieldId.VlanVid ? value <= 0x1fff : (value & ~Allowed(field)) == 0;
        if (!isValid) throw new OfRefusal("OFPBMC_BAD_VALUE", $"value of {field.Name}");
        if (!MatchBuilder.HasPrerequisites(ref match, field)) throw new OfRefusal("OFPBMC_BAD_PREREQ", $"{field.Name} without what it needs");
        if (!IsWild(ref match, field)) throw new OfRefusal("OFPBMC_DUP_FIELD", $"{field.Name} twice");
        MatchBuilder.Set(ref match, field, new FieldValue(value, entry.Mask, ones));
    }

    private static UInt128 Allowed(Field field) => field.Id is FieldId.InPortOxm or FieldId.ActsetOutput ? uint.MaxValue : OxmFields.FullMask(field);

    private static bool IsWild(ref Match match, Field field)
    {
        ushort tci = match.Mask.Key.Vlan0Tci.Host;
        return field.Id switch
        {
            FieldId.VlanVid => (tci & 0x1fff) == 0,
            FieldId.VlanPcp => (tci & 0xe000) == 0,
            _ => field.Get(ref match.Mask) == 0,
        };
    }

    /// <summary>All packets are Ethernet frames: to say so is nothing new, and others are not there.</summary>
    private static void ReadPacketType(ref OfReader reader, OxmHeader header)
    {
        if (header.HasMask) throw new OfRefusal("OFPBMC_BAD_MASK", "packet_type cannot be masked");
        if (header.LengthBytes != 4 || reader.Left < 4) throw BadLength();
        if (reader.U32() != 0) throw new OfRefusal("OFPBMC_BAD_FIELD", "there are only Ethernet packets");
    }

    private static (ulong Value, ulong Mask) ReadCookie(ref OfReader reader, OxmHeader header, bool isSecond)
    {
        if (header.LengthBytes != (header.HasMask ? 16 : 8)) throw BadLength();
        (ulong value, ulong mask) = (reader.U64(), header.HasMask ? reader.U64() : ulong.MaxValue);
        if ((value & ~mask) != 0) throw new OfRefusal("OFPBMC_BAD_WILDCARDS", "the cookie has bits outside its mask");
        return isSecond ? throw new OfRefusal("OFPBMC_DUP_FIELD", "two cookies") : (value, mask);
    }

    private static OfRefusal BadLength() => new("OFPBMC_BAD_LEN", "the match is not whole");
}
