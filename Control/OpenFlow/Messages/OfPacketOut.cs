namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_PACKET_OUT</c>.</summary>
public sealed record OfPacketOut : OfMessage
{
    public uint BufferId = OfFlowModMessage.NoBuffer;

    /// <summary>Port, and from OpenFlow 1.5 on more of what the pipeline knows.</summary>
    public Match Metadata;
    public EquatableList<OfAction> Actions = EquatableList<OfAction>.Empty;
    public OfBytes Packet = OfBytes.Empty;

    /// <summary>As OpenFlow 1.0 has it, which leaves it to packets whether an action fits.</summary>
    public bool IsOf10 { get; private set; }

    /// <summary>The port from which the packet is said to come.</summary>
    public uint InPort => Metadata.Value.Key.InPort.Host;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U32(ref BufferId);
        if (wire.Version < OfVersion.V15) ExchangePort(ref wire);
        ushort length = 0;
        int at = wire.IsReading ? 0 : wire.Writer.Length;
        wire.U16(ref length);
        if (wire.Version >= OfVersion.V15)
        {
            wire.Pad(2);
            wire.Match(ref Metadata);
        }
        else if (wire.Version > OfVersion.V10)
        {
            wire.Pad(6);
        }

        if (wire.IsReading)
        {
            Actions = ActionReader.ReadList(wire.Reader.Part(length, ActionReader.BadLength));
        }
        else
        {
            int start = wire.Writer.Length;
            ActionWriter.Write(wire.Writer, Actions);
            wire.Writer.PatchLength(at, start);
        }

        wire.Rest(ref Packet);
        if (!wire.IsReading) return;
        IsOf10 = wire.Version == OfVersion.V10;
        Check();
    }

    /// <summary>Two say the same.</summary>
    public bool Equals(OfPacketOut? other)
        => other is not null && base.Equals(other) && BufferId == other.BufferId && Actions.Equals(other.Actions) && Packet.Equals(other.Packet) && Match.Same(in Metadata, in other.Metadata);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), BufferId, Packet);

    private void ExchangePort(ref OfWire wire)
    {
        uint port = InPort;
        wire.Port(ref port);
        if (wire.IsReading) MatchCodec.Set(ref Metadata, FieldId.InPortOxm, port);
    }

    /// <summary>A packet comes from a port, from the switch itself, or from a controller (OVS <c>ofputil_decode_packet_out</c>).</summary>
    private void Check()
    {
        uint port = InPort;
        bool ok = port < OfPorts.Max || port is (uint)OfReservedPort.Local or (uint)OfReservedPort.Controller or (uint)OfReservedPort.None;
        if (!ok) throw new OfRefusal("OFPBRC_BAD_PORT", $"a packet from port {port}");
    }
}
