namespace Mergeflow.Control.OpenFlow;

/// <summary><c>NXT_PACKET_IN2</c>, and <c>NXT_RESUME</c> with which a controller lets the packet go on.</summary>
public sealed record OfPacketIn2 : OfMessage
{
    private const ushort PacketProperty = 0;
    private const ushort FullLengthProperty = 1;
    private const ushort BufferProperty = 2;
    private const ushort TableProperty = 3;
    private const ushort CookieProperty = 4;
    private const ushort ReasonProperty = 5;
    private const ushort MetadataProperty = 6;
    private const ushort UserDataProperty = 7;
    private const ushort ContinuationProperty = 8;

    /// <summary>The packet, or its beginning.</summary>
    public OfBytes Packet = OfBytes.Empty;

    /// <summary>Of the whole packet, bytes; null = it is all there.</summary>
    public uint? FullLength;
    public byte? Table;
    public ulong? Cookie;

    /// <summary><c>OFPR_*</c>.</summary>
    public byte? Reason;

    /// <summary>What the pipeline knows beside the packet.</summary>
    public Match Metadata;

    /// <summary>There is a <see cref="Metadata"/>.</summary>
    public bool HasMetadata;

    /// <summary>Of the action that sent it.</summary>
    public OfBytes UserData = OfBytes.Empty;

    /// <summary>Where the packet goes on: for the switch alone.</summary>
    public OfBytes? Continuation;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (!wire.IsReading)
        {
            Write(wire.Writer);
            return;
        }

        while (wire.HasMore) ReadProperty(OfProperty.Read(ref wire.Reader));
    }

    /// <summary>Two say the same.</summary>
    public bool Equals(OfPacketIn2? other)
        => other is not null && base.Equals(other)
        && (FullLength, Table, Cookie, Reason, HasMetadata) == (other.FullLength, other.Table, other.Cookie, other.Reason, other.HasMetadata)
        && Packet.Equals(other.Packet) && UserData.Equals(other.UserData) && Continuation.Equals(other.Continuation)
        && Match.Same(in Metadata, in other.Metadata);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), Cookie, Packet);

    private void ReadProperty(OfProperty p)
    {
        OfReader body = p.Body;
        switch (p.Type)
        {
            case PacketProperty:
                Packet = new OfBytes(body.TakeRest().ToArray());
                break;
            case FullLengthProperty:
                FullLength = p.Only(ref body, body.U32());
                break;
            case BufferProperty:
                p.Only(ref body, body.U32());
                break;
            case TableProperty:
                Table = p.Only(ref body, body.U8());
                break;
            case CookieProperty:
                body.Skip(4);
                Cookie = p.Only(ref body, body.U64());
                break;
            case ReasonProperty:
                Reason = p.Only(ref body, body.U8());
                break;
            case MetadataProperty:
                HasMetadata = true;
                OxmReader.ReadFields(new OfReader(body.TakeRest(), body.Version, "OFPBMC_BAD_LEN"), ref Metadata, out _, allowsCookie: false);
                break;
            case UserDataProperty:
                UserData = new OfBytes(body.TakeRest().ToArray());
                break;
            case ContinuationProperty:
                Continuation = new OfBytes(body.TakeRest().ToArray());
                break;
            default:
                throw new OfRefusal("OFPBPC_BAD_TYPE", $"property {p.Type} of a packet");
        }
    }

    private void Write(OfWriter w)
    {
        Put(w, PacketProperty, Packet.Span);
        if (FullLength is { } length) Put(w, FullLengthProperty, length, 4, 0);
        if (Table is { } table) Put(w, TableProperty, table, 1, 0);
        if (Cookie is { } cookie) Put(w, CookieProperty, cookie, 8, 4);
        if (Reason is { } reason) Put(w, ReasonProperty, reason, 1, 0);
        if (HasMetadata)
        {
            int start = OfProperty.Begin(w, MetadataProperty);
            OxmMatchWriter.WriteFields(w, ref Metadata, w.Version);
            OfProperty.End(w, start);
        }

        if (Continuation is { } continuation) Put(w, ContinuationProperty, continuation.Span);
        if (UserData.Count > 0) Put(w, UserDataProperty, UserData.Span);
    }

    private static void Put(OfWriter w, ushort type, ReadOnlySpan<byte> bytes)
    {
        int start = OfProperty.Begin(w, type);
        w.Bytes(bytes);
        OfProperty.End(w, start);
    }

    private static void Put(OfWriter w, ushort type, ulong value, int valueBytes, int pad)
    {
        int start = OfProperty.Begin(w, type);
        w.Zeros(pad);
        w.Number(value, valueBytes);
        OfProperty.End(w, start);
    }
}
