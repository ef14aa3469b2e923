namespace Mergeflow.Control.OpenFlow;

/// <summary>A port as its description says it (<c>struct ofp_port</c>; OVS <c>ofputil_phy_port</c>).</summary>
public sealed record OfPort
{
    private const int LengthBytes14 = 72;
    private const ushort EthernetProperty = 0;

    /// <summary>16-bit number.</summary>
    public uint Number;

    /// <summary>MAC, 48 bits.</summary>
    public ulong Mac;
    public string Name = "";
    public uint Config;
    public uint State;
    public uint Current;
    public uint Advertised;
    public uint Supported;
    public uint Peer;

    /// <summary>kbit/s, from OpenFlow 1.1 on.</summary>
    public uint CurrentSpeed;

    /// <summary>kbit/s, from OpenFlow 1.1 on.</summary>
    public uint MaxSpeed;

    /// <summary>A list of them, up to the end.</summary>
    internal static void Exchange(ref OfWire wire, ref EquatableList<OfPort> ports)
    {
        if (!wire.IsReading)
        {
            foreach (OfPort port in ports) port.Exchange(ref wire);
            return;
        }

        List<OfPort> list = [];
        while (wire.HasMore)
        {
            var port = new OfPort();
            port.Exchange(ref wire);
            list.Add(port);
        }

        ports = new EquatableList<OfPort>(list);
    }

    /// <summary>One.</summary>
    internal void Exchange(ref OfWire wire)
    {
        if (wire.Version >= OfVersion.V14) Exchange14(ref wire);
        else if (wire.Version == OfVersion.V10) Exchange10(ref wire);
        else Exchange11(ref wire);
    }

    private void Exchange10(ref OfWire wire)
    {
        wire.Port16(ref Number);
        wire.Mac(ref Mac);
        wire.Text(ref Name, 16);
        wire.U32(ref Config);

        // OpenFlow 1.0 says of the link only whether it is down.
        uint state = State & 1;
        wire.U32(ref state);
        State = wire.IsReading ? state : State;
        ExchangeFeatures(ref wire);
    }

    private void Exchange11(ref OfWire wire)
    {
        wire.Port32(ref Number);
        wire.Pad(4);
        ExchangeNames(ref wire);
        ExchangeFeatures(ref wire);
        ExchangeSpeeds(ref wire);
    }

    private void Exchange14(ref OfWire wire)
    {
        wire.Port32(ref Number);
        ushort length = LengthBytes14;
        wire.U16(ref length);
        wire.Pad(2);
        if (wire.IsReading)
        {
            if (length < 40) throw new OfRefusal("OFPBRC_BAD_LEN", $"a port of {length} bytes");
            var inner = new OfWire(wire.Reader.Part(length - 8));
            ExchangeNames(ref inner);
            while (inner.HasMore) ReadProperty(OfProperty.Read(ref inner.Reader));
            return;
        }

        ExchangeNames(ref wire);
        int start = OfProperty.Begin(wire.Writer, EthernetProperty);
        wire.Pad(4);
        ExchangeFeatures(ref wire);
        ExchangeSpeeds(ref wire);
        OfProperty.End(wire.Writer, start);
    }

    private void ReadProperty(OfProperty property)
    {
        if (property.Type != EthernetProperty) return;
        var body = new OfWire(property.Body);
        body.Pad(4);
        ExchangeFeatures(ref body);
        ExchangeSpeeds(ref body);
    }

    private void ExchangeNames(ref OfWire wire)
    {
        wire.Mac(ref Mac);
        wire.Pad(2);
        wire.Text(ref Name, 16);
        wire.U32(ref Config);
        wire.U32(ref State);
    }

    private void ExchangeFeatures(ref OfWire wire)
    {
        wire.U32(ref Current);
        wire.U32(ref Advertised);
        wire.U32(ref Supported);
        wire.U32(ref Peer);
    }

    private void ExchangeSpeeds(ref OfWire wire)
    {
        wire.U32(ref CurrentSpeed);
        wire.U32(ref MaxSpeed);
    }
}
