namespace Mergeflow.Control.OpenFlow;

/// <summary><c>NXT_CT_FLUSH</c>: removes the connections that fit.</summary>
public sealed record OfCtFlush : OfMessage
{
    private const ushort OriginalProperty = 0;
    private const ushort ReplyProperty = 1;
    private const ushort ZoneProperty = 2;

    /// <summary>0 = any.</summary>
    public byte Protocol;
    public OfCtTuple? Original;
    public OfCtTuple? Reply;

    /// <summary>Null = all zones.</summary>
    public ushort? Zone;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U8(ref Protocol);
        if (wire.IsReading)
        {
            wire.Reader.Zeros(7, "NXBRC_MUST_BE_ZERO");
            while (wire.HasMore) ReadProperty(OfProperty.Read(ref wire.Reader));
            return;
        }

        wire.Pad(7);
        Original?.Write(wire.Writer, OriginalProperty);
        Reply?.Write(wire.Writer, ReplyProperty);
        if (Zone is not { } zone) return;
        int start = OfProperty.Begin(wire.Writer, ZoneProperty);
        wire.Writer.U16(zone);
        wire.Pad(2);
        OfProperty.End(wire.Writer, start);
    }

    private void ReadProperty(OfProperty property)
    {
        OfReader body = property.Body;
        switch (property.Type)
        {
            case OriginalProperty:
                Original = OfCtTuple.Read(body);
                break;
            case ReplyProperty:
                Reply = OfCtTuple.Read(body);
                break;
            case ZoneProperty:
                Zone = property.Only(ref body, body.U16());
                break;
            default:
                throw new OfRefusal("OFPBPC_BAD_TYPE", $"property {property.Type}");
        }
    }
}

/// <summary>One direction of a connection, as far as it is said.</summary>
public sealed record OfCtTuple
{
    /// <summary>IPv6, or IPv4 in the form ::ffff:a.b.c.d; null = any.</summary>
    public UInt128? Source { get; init; }

    /// <summary>As <see cref="Source"/>.</summary>
    public UInt128? Destination { get; init; }

    /// <summary>Null = any.</summary>
    public ushort? SourcePort { get; init; }

    /// <summary>Null = any.</summary>
    public ushort? DestinationPort { get; init; }

    public ushort? IcmpId { get; init; }

    public byte? IcmpType { get; init; }

    public byte? IcmpCode { get; init; }

    internal static OfCtTuple Read(OfReader reader)
    {
        reader.Skip(Math.Min(4, reader.Left));
        var tuple = new OfCtTuple();
        while (reader.Left > 0)
        {
            OfProperty p = OfProperty.Read(ref reader);
            OfReader body = p.Body;
            tuple = p.Type switch
            {
                0 => tuple with { Source = p.Only(ref body, Address(ref body)) },
                1 => tuple with { Destination = p.Only(ref body, Address(ref body)) },
                2 => tuple with { SourcePort = p.Only(ref body, body.U16()) },
                3 => tuple with { DestinationPort = p.Only(ref body, body.U16()) },
                4 => tuple with { IcmpId = p.Only(ref body, body.U16()) },
                5 => tuple with { IcmpType = p.Only(ref body, body.U8()) },
                6 => tuple with { IcmpCode = p.Only(ref body, body.U8()) },
                _ => throw new OfRefusal("OFPBPC_BAD_TYPE", $"property {p.Type}"),
            };
        }

        return tuple;
    }

    internal void Write(OfWriter w, ushort type)
    {
        int start = OfProperty.Begin(w, type);
        w.Zeros(4);
        Put(w, 0, Source, 16, 16);
        Put(w, 1, Destination, 16, 16);
        Put(w, 2, SourcePort, 2, 4);
        Put(w, 3, DestinationPort, 2, 4);
        Put(w, 4, IcmpId, 2, 4);
        Put(w, 5, IcmpType, 1, 1);
        Put(w, 6, IcmpCode, 1, 1);
        OfProperty.End(w, start);
    }

    private static UInt128 Address(ref OfReader body) => body.U128();

    private static void Put(OfWriter w, ushort type, UInt128? value, int valueBytes, int bodyBytes)
    {
        if (value is not { } v) return;
        int start = OfProperty.Begin(w, type);
        w.Number(v, valueBytes);
        w.Zeros(bodyBytes - valueBytes);
        OfProperty.End(w, start);
    }
}
