namespace Mergeflow.Control.OpenFlow;

/// <summary>Multipart <c>AGGREGATE</c>, reply.</summary>
public sealed record OfAggregateReply : OfMessage
{
    public ulong Packets;
    public ulong Bytes;
    public uint Flows;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (wire.Version >= OfVersion.V15)
        {
            var stats = new OxsStats { Packets = Packets, Bytes = Bytes, Flows = Flows };
            OxsStats.Exchange(ref wire, ref stats);
            (Packets, Bytes, Flows) = (stats.Packets ?? 0, stats.Bytes ?? 0, stats.Flows ?? 0);
            return;
        }

        wire.U64(ref Packets);
        wire.U64(ref Bytes);
        wire.U32(ref Flows);
        wire.Pad(4);
    }
}
