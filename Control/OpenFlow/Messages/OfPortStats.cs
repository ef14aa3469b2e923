namespace Mergeflow.Control.OpenFlow;

/// <summary>Multipart <c>PORT</c>, reply.</summary>
public sealed record OfPortReply : OfMessage
{
    public EquatableList<OfPortStats> Ports = EquatableList<OfPortStats>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => OfList.Exchange(ref wire, ref Ports, static () => new OfPortStats(), static (OfPortStats s, ref OfWire w) => s.Exchange(ref w));
}

/// <summary>Counters of one port; all ones = not counted.</summary>
public sealed record OfPortStats
{
    private const ushort EthernetProperty = 0;

    public uint Port;
    public uint DurationSeconds;
    public uint DurationNanoseconds;
    public ulong RxPackets;
    public ulong TxPackets;
    public ulong RxBytes;
    public ulong TxBytes;
    public ulong RxDropped = ulong.MaxValue;
    public ulong TxDropped = ulong.MaxValue;
    public ulong RxErrors = ulong.MaxValue;
    public ulong TxErrors = ulong.MaxValue;
    public ulong RxFrameErrors = ulong.MaxValue;
    public ulong RxOverErrors = ulong.MaxValue;
    public ulong RxCrcErrors = ulong.MaxValue;
    public ulong Collisions = ulong.MaxValue;

    /// <summary>Properties of experimenters, from OpenFlow 1.4 on.</summary>
    public OfBytes MoreProperties = OfBytes.Empty;

    /// <summary>One.</summary>
    internal void Exchange(ref OfWire wire)
    {
        if (wire.Version >= OfVersion.V14)
        {
            Exchange14(ref wire);
            return;
        }

        wire.Port(ref Port);
        wire.Pad(wire.Version == OfVersion.V10 ? 6 : 4);
        ExchangeCounters(ref wire);
        ExchangeErrors(ref wire);
        if (wire.Version < OfVersion.V13) return;
        wire.U32(ref DurationSeconds);
        wire.U32(ref DurationNanoseconds);
    }

    private void Exchange14(ref OfWire wire)
    {
        OfList.Sized(ref wire, this, static (OfPortStats s, ref OfWire w) =>
        {
            w.Pad(2);
            w.Port32(ref s.Port);
            w.U32(ref s.DurationSeconds);
            w.U32(ref s.DurationNanoseconds);
            s.ExchangeCounters(ref w);
            if (w.IsReading) s.ReadProperties(ref w.Reader);
            else s.WriteProperties(ref w);
        });
    }

    private void WriteProperties(ref OfWire w)
    {
        int start = OfProperty.Begin(w.Writer, EthernetProperty);
        w.Pad(4);
        ExchangeErrors(ref w);
        OfProperty.End(w.Writer, start);
        w.Writer.Bytes(MoreProperties.Span);
    }

    private void ReadProperties(ref OfReader reader)
    {
        OfProperty property = OfProperty.Read(ref reader);
        if (property.Type != EthernetProperty) throw new OfRefusal("OFPBPC_BAD_TYPE", $"property {property.Type} of a port");
        var body = new OfWire(property.Body);
        body.Pad(4);
        ExchangeErrors(ref body);
        MoreProperties = new OfBytes(reader.TakeRest().ToArray());
    }

    private void ExchangeCounters(ref OfWire wire)
    {
        wire.U64(ref RxPackets);
        wire.U64(ref TxPackets);
        wire.U64(ref RxBytes);
        wire.U64(ref TxBytes);
        wire.U64(ref RxDropped);
        wire.U64(ref TxDropped);
        wire.U64(ref RxErrors);
        wire.U64(ref TxErrors);
    }

    private void ExchangeErrors(ref OfWire wire)
    {
        wire.U64(ref RxFrameErrors);
        wire.U64(ref RxOverErrors);
        wire.U64(ref RxCrcErrors);
        wire.U64(ref Collisions);
    }
}
