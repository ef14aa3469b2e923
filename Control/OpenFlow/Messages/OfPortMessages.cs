namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_PORT_STATUS</c>.</summary>
public sealed record OfPortStatus : OfMessage
{
    /// <summary>0 = new, 1 = gone, 2 = changed (<c>OFPPR_*</c>).</summary>
    public byte Reason;
    public OfPort Port = new();

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U8(ref Reason);
        wire.Pad(7);
        Port.Exchange(ref wire);
    }
}

/// <summary><c>OFPT_PORT_MOD</c>.</summary>
public sealed record OfPortMod : OfMessage
{
    private const ushort EthernetProperty = 0;

    public uint Port;

    /// <summary>MAC, 48 bits: has to be the port's.</summary>
    public ulong Mac;

    /// <summary><c>OFPPC_*</c>.</summary>
    public uint Config;

    /// <summary>Which bits of <see cref="Config"/> are meant.</summary>
    public uint Mask;
    public uint Advertise;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.Port(ref Port);
        if (wire.Version > OfVersion.V10) wire.Pad(4);
        wire.Mac(ref Mac);
        if (wire.Version > OfVersion.V10) wire.Pad(2);
        wire.U32(ref Config);
        wire.U32(ref Mask);
        if (wire.Version < OfVersion.V14)
        {
            wire.U32(ref Advertise);
            wire.Pad(4);
        }
        else if (wire.IsReading)
        {
            while (wire.HasMore) ReadProperty(OfProperty.Read(ref wire.Reader));
        }
        else if (Advertise != 0)
        {
            int start = OfProperty.Begin(wire.Writer, EthernetProperty);
            wire.U32(ref Advertise);
            OfProperty.End(wire.Writer, start);
        }
    }

    private void ReadProperty(OfProperty property)
    {
        OfReader body = property.Body;
        Advertise = property.Type == EthernetProperty ? property.Only(ref body, body.U32()) : throw new OfRefusal("OFPBPC_BAD_TYPE", $"property {property.Type} of a port");
    }
}

/// <summary>Multipart <c>PORT_DESC</c>, request: one port from OpenFlow 1.5 on.</summary>
public sealed record OfPortDescRequest : OfMessage
{
    public uint Port = (uint)OfReservedPort.None;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (wire.Version < OfVersion.V15) return;
        wire.Port32(ref Port);
        wire.Pad(4);
    }
}

/// <summary>Multipart <c>PORT_DESC</c>, reply.</summary>
public sealed record OfPortDescReply : OfMessage
{
    public EquatableList<OfPort> Ports = EquatableList<OfPort>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => OfPort.Exchange(ref wire, ref Ports);
}

/// <summary>Multipart <c>PORT</c>, request.</summary>
public sealed record OfPortRequest : OfMessage
{
    public uint Port = (uint)OfReservedPort.None;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.Port(ref Port);
        wire.Pad(wire.Version == OfVersion.V10 ? 6 : 4);
    }
}
