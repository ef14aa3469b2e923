using System.Buffers.Binary;

namespace Mergeflow.Control.OpenFlow;

/// <summary>From bytes to messages and back (OVS <c>ofpraw_decode</c>, <c>ofpraw_alloc</c>).</summary>
public static class OfCodec
{
    /// <summary>Size of the header: version, type, length, transaction.</summary>
    public const int HeaderBytes = 8;

    private const byte ExperimenterType = 4;
    private const uint NiciraVendor = 0x2320;
    private const uint OnfVendor = 0x4f4e4600;
    private const ushort ExperimenterPart = 0xffff;
    private const byte HelloType = 0;

    /// <summary>The length that a message's header says.</summary>
    public static int LengthOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt16BigEndian(header[2..]);

    /// <summary>The transaction of a message.</summary>
    public static uint XidOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt32BigEndian(header[4..]);

    /// <summary>Reads one message.</summary>
    /// <param name="bytes">The whole of it, as long as its header says.</param>
    /// <exception cref="OfRefusal">It cannot be taken.</exception>
    public static OfMessage Decode(ReadOnlySpan<byte> bytes) => Decode(bytes, isForSwitch: false);

    /// <summary>Reads one message that a switch has got: one that is not for a switch, or not as long as such a message can be, is not looked into.</summary>
    /// <param name="bytes">The whole of it, as long as its header says.</param>
    /// <exception cref="OfRefusal">It cannot be taken.</exception>
    public static OfMessage DecodeForSwitch(ReadOnlySpan<byte> bytes) => Decode(bytes, isForSwitch: true);

    /// <summary>What a message is that a switch has got; null = none that it can take.</summary>
    public static OfKind? KindForSwitch(ReadOnlySpan<byte> bytes)
    {
        var reader = new OfReader(bytes, (OfVersion)bytes[0]);
        reader.Skip(HeaderBytes);
        try
        {
            (OfForm form, _) = ReadForm(ref reader, bytes[1]);
            return OfLengths.IsForSwitch(form) && OfLengths.Fits(form, reader.Version, reader.Left) ? form.Kind : null;
        }
        catch (OfRefusal)
        {
            return null;
        }
    }

    private static OfMessage Decode(ReadOnlySpan<byte> bytes, bool isForSwitch)
    {
        if (bytes.Length < HeaderBytes || LengthOf(bytes) != bytes.Length) throw new OfRefusal("OFPBRC_BAD_LEN", "the length in the header is wrong");
        var version = (OfVersion)bytes[0];

        // Of a hello with a version that is not known the bitmap counts.
        if (bytes[1] == HelloType && version > OfVersion.V15) version = OfVersion.V15;
        if (version is < OfVersion.V10 or > OfVersion.V15) throw new OfRefusal("OFPBRC_BAD_VERSION", $"version {(byte)version}");
        var reader = new OfReader(bytes, version);
        reader.Skip(HeaderBytes);
        (OfForm form, bool hasMore) = ReadForm(ref reader, bytes[1]);
        if (isForSwitch && !OfLengths.IsForSwitch(form)) throw new OfRefusal("OFPBRC_BAD_TYPE", $"{form.Kind} is for controllers");
        if (isForSwitch && !OfLengths.Fits(form, version, reader.Left)) throw new OfRefusal("OFPBRC_BAD_LEN", $"{form.Kind} of {reader.Left} bytes");
        OfMessage message = form.Create() with { Kind = form.Kind, Xid = XidOf(bytes), IsNicira = form.Space == OfSpace.Nicira, HasMore = hasMore };
        var wire = new OfWire(reader);
        message.Exchange(ref wire);
        if (wire.HasMore) throw new OfRefusal("OFPBRC_BAD_LEN", $"{wire.Reader.Left} bytes too many");
        return message;
    }

    /// <summary>Writes one message behind what has been written.</summary>
    /// <exception cref="ArgumentException">The version has no such message.</exception>
    /// <exception cref="OverflowException">It, or something in it, is longer than its length can say, 65,535 bytes.</exception>
    public static void Encode(OfMessage message, OfWriter writer)
    {
        int start = writer.Length;
        OfForm form = OfForms.Of(message, writer.Version);
        WriteHeader(form, message, writer);
        var wire = new OfWire(writer);
        message.Exchange(ref wire);
        int length = writer.Length - start;
        writer.PatchU16(start + 2, length);
    }

    /// <summary>The same where what is in the message decides how long it is; false = no message is so long, and nothing was written.</summary>
    /// <exception cref="ArgumentException">The version has no such message.</exception>
    public static bool TryEncode(OfMessage message, OfWriter writer)
    {
        int start = writer.Length;
        try
        {
            Encode(message, writer);
            return true;
        }
        catch (OverflowException)
        {
            writer.Truncate(start);
            return false;
        }
    }

    /// <summary>One message alone.</summary>
    public static byte[] Encode(OfMessage message, OfVersion version)
    {
        var writer = new OfWriter(version);
        Encode(message, writer);
        return writer.Written.ToArray();
    }

    private static (OfForm Form, bool HasMore) ReadForm(ref OfReader reader, byte type)
    {
        OfVersion version = reader.Version;
        OfPart part = PartOf(version, type);
        if (part == OfPart.None && type != ExperimenterType)
        {
            return (OfForms.Find(version, part, OfSpace.Standard, type) ?? throw new OfRefusal("OFPBRC_BAD_TYPE", $"type {type}"), false);
        }

        ushort number = ExperimenterPart;
        bool hasMore = false;
        if (part != OfPart.None)
        {
            (number, hasMore) = (reader.U16(), (reader.U16() & 1) != 0);
            if (version > OfVersion.V10) reader.Skip(4);
        }

        if (number != ExperimenterPart)
        {
            return (OfForms.Find(version, part, OfSpace.Standard, number) ?? throw new OfRefusal("OFPBRC_BAD_STAT", $"multipart {number}"), hasMore);
        }

        uint vendor = reader.U32();
        if (vendor is not (NiciraVendor or OnfVendor)) throw new OfRefusal("OFPBRC_BAD_VENDOR", $"experimenter 0x{vendor:x}");
        uint subtype = reader.U32();
        if (part != OfPart.None && version == OfVersion.V10) reader.Skip(4);
        OfSpace space = vendor == NiciraVendor ? OfSpace.Nicira : OfSpace.Onf;
        return (OfForms.Find(version, part, space, subtype) ?? throw new OfRefusal("OFPBRC_BAD_SUBTYPE", $"{subtype} of experimenter 0x{vendor:x}"), hasMore);
    }

    private static void WriteHeader(OfForm form, OfMessage message, OfWriter w)
    {
        byte type = form.Part switch
        {
            OfPart.Request => w.Version == OfVersion.V10 ? (byte)16 : (byte)18,
            OfPart.Reply => w.Version == OfVersion.V10 ? (byte)17 : (byte)19,
            _ => form.Space == OfSpace.Standard ? (byte)form.Number : ExperimenterType,
        };
        w.U8((byte)w.Version);
        w.U8(type);
        w.U16(0);
        w.U32(message.Xid);
        if (form.Part != OfPart.None)
        {
            w.U16(form.Space == OfSpace.Standard ? (ushort)form.Number : ExperimenterPart);
            w.U16(message.HasMore ? (ushort)1 : (ushort)0);
            if (w.Version > OfVersion.V10) w.Zeros(4);
        }

        if (form.Space == OfSpace.Standard) return;
        w.U32(form.Space == OfSpace.Nicira ? NiciraVendor : OnfVendor);
        w.U32(form.Number);
        if (form.Part != OfPart.None && w.Version == OfVersion.V10) w.Zeros(4);
    }

    private static OfPart PartOf(OfVersion version, byte type) => (version == OfVersion.V10, type) switch
    {
        (true, 16) or (false, 18) => OfPart.Request,
        (true, 17) or (false, 19) => OfPart.Reply,
        _ => OfPart.None,
    };
}
