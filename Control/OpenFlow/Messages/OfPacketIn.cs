namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_PACKET_IN</c> and <c>NXT_PACKET_IN</c>.</summary>
public sealed record OfPacketIn : OfMessage
{
    public uint BufferId = uint.MaxValue;

    /// <summary>Of the whole packet, bytes.</summary>
    public ushort TotalLength;

    /// <summary><c>OFPR_*</c>.</summary>
    public byte Reason;

    /// <summary>From OpenFlow 1.1 on.</summary>
    public byte Table;

    /// <summary>From OpenFlow 1.3 on.</summary>
    public ulong Cookie;

    /// <summary>Before OpenFlow 1.2; later it stands in <see cref="Metadata"/>.</summary>
    public uint InPort;

    /// <summary>What the pipeline knows beside the packet.</summary>
    public Match Metadata;

    /// <summary>The packet, or its beginning.</summary>
    public OfBytes Packet = OfBytes.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U32(ref BufferId);
        if (IsNicira) ExchangeNicira(ref wire);
        else if (wire.Version == OfVersion.V10) Exchange10(ref wire);
        else if (wire.Version == OfVersion.V11) Exchange11(ref wire);
        else Exchange12(ref wire);
        wire.Rest(ref Packet);
    }

    /// <summary>Two say the same.</summary>
    public bool Equals(OfPacketIn? other)
        => other is not null && base.Equals(other)
        && (BufferId, TotalLength, Reason, Table, Cookie, InPort) == (other.BufferId, other.TotalLength, other.Reason, other.Table, other.Cookie, other.InPort)
        && Packet.Equals(other.Packet)
        && Match.Same(in Metadata, in other.Metadata);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(base.GetHashCode(), BufferId, TotalLength, Packet);

    private void Exchange10(ref OfWire wire)
    {
        wire.U16(ref TotalLength);
        wire.Port16(ref InPort);
        wire.U8(ref Reason);
        wire.Pad(1);
    }

    private void Exchange11(ref OfWire wire)
    {
        wire.Port32(ref InPort);
        wire.Port32(ref InPort);
        wire.U16(ref TotalLength);
        wire.U8(ref Reason);
        wire.U8(ref Table);
    }

    private void Exchange12(ref OfWire wire)
    {
        wire.U16(ref TotalLength);
        wire.U8(ref Reason);
        wire.U8(ref Table);
        if (wire.Version >= OfVersion.V13) wire.U64(ref Cookie);
        wire.Match(ref Metadata);
        wire.Pad(2);
    }

    private void ExchangeNicira(ref OfWire wire)
    {
        wire.U16(ref TotalLength);
        wire.U8(ref Reason);
        wire.U8(ref Table);
        wire.U64(ref Cookie);
        ushort matchLength = 0;
        int at = wire.IsReading ? 0 : wire.Writer.Length;
        wire.U16(ref matchLength);
        wire.Pad(6);
        if (wire.IsReading) OxmReader.ReadNxm(ref wire.Reader, matchLength, ref Metadata, out _);
        else wire.Writer.PatchU16(at, OxmMatchWriter.WriteNxm(wire.Writer, ref Metadata));
        wire.Pad(2);
    }
}
