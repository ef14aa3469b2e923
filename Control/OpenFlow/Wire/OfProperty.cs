namespace Mergeflow.Control.OpenFlow;

/// <summary>Type, length and what belongs to it, padded to 8 bytes (OVS <c>ofpprop</c>).</summary>
/// <param name="type">Type.</param>
/// <param name="body">What belongs to it, without padding.</param>
internal readonly ref struct OfProperty(ushort type, OfReader body)
{
    /// <summary>A type that belongs to an experimenter, whose two numbers begin the body.</summary>
    public const ushort Experimenter = 0xffff;

    public ushort Type { get; } = type;

    public OfReader Body { get; } = body;

    /// <summary>Reads it, with its padding.</summary>
    /// <exception cref="OfRefusal"><c>OFPBPC_BAD_LEN</c>.</exception>
    public static OfProperty Read(ref OfReader reader, bool isPadded = true)
    {
        if (reader.Left < 4) throw BadLength();
        (ushort type, int length) = (reader.U16(), reader.U16());
        if (length < 4 || (isPadded ? (length + 7) & ~7 : length) - 4 > reader.Left) throw BadLength();
        OfReader body = reader.Part(length - 4, "OFPBPC_BAD_LEN");
        if (isPadded) reader.Skip(-length & 7);
        return new OfProperty(type, body);
    }

    /// <summary>Nothing stands behind the value but padding inside the property.</summary>
    public T Only<T>(ref OfReader body, T value) => body.Left < 8 ? value : throw BadLength();

    /// <summary>Begins one; <see cref="End"/> writes its length.</summary>
    public static int Begin(OfWriter writer, ushort type)
    {
        writer.U16(type);
        writer.U16(0);
        return writer.Length - 4;
    }

    /// <summary>Ends what <see cref="Begin"/> began.</summary>
    public static void End(OfWriter writer, int start)
    {
        writer.PatchLength(start + 2, start);
        writer.PadTo8(start);
    }

    private static OfRefusal BadLength() => new("OFPBPC_BAD_LEN", "a property is not whole");
}
