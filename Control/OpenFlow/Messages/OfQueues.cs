namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_QUEUE_GET_CONFIG_REQUEST</c> and its reply, whose queues are not looked into.</summary>
public sealed record OfQueueConfig : OfMessage
{
    public uint Port;

    /// <summary>Reply: the queues.</summary>
    public OfBytes Queues = OfBytes.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.Port(ref Port);
        bool isReply = Kind == OfKind.QueueGetConfigReply;
        wire.Pad(wire.Version != OfVersion.V10 ? 4 : isReply ? 6 : 2);
        if (isReply) wire.Rest(ref Queues);
    }
}

/// <summary>Multipart <c>QUEUE</c> and <c>QUEUE_DESC</c>, request.</summary>
public sealed record OfQueueRequest : OfMessage
{
    public uint Port = (uint)OfReservedPort.None;

    /// <summary>All ones = all.</summary>
    public uint Queue = uint.MaxValue;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.Port(ref Port);
        if (wire.Version == OfVersion.V10) wire.Pad(2);
        wire.U32(ref Queue);
    }
}

/// <summary>Multipart <c>QUEUE</c>, reply, whose queues are not looked into.</summary>
public sealed record OfQueueReply : OfMessage
{
    /// <summary>The queues.</summary>
    public OfBytes Queues = OfBytes.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => wire.Rest(ref Queues);
}

/// <summary>Counters of one queue; all ones = not counted.</summary>
public sealed record OfQueueStats
{
    private const ushort LengthBytes14 = 48;

    public uint Port;
    public uint Queue;
    public ulong TxBytes = ulong.MaxValue;
    public ulong TxPackets = ulong.MaxValue;
    public ulong TxErrors = ulong.MaxValue;
    public uint DurationSeconds = uint.MaxValue;
    public uint DurationNanoseconds = uint.MaxValue;

    /// <summary>One.</summary>
    internal void Exchange(ref OfWire wire)
    {
        if (wire.Version >= OfVersion.V14)
        {
            ushort length = LengthBytes14;
            wire.U16(ref length);
            wire.Pad(6);
        }

        wire.Port(ref Port);
        if (wire.Version == OfVersion.V10) wire.Pad(2);
        wire.U32(ref Queue);
        wire.U64(ref TxBytes);
        wire.U64(ref TxPackets);
        wire.U64(ref TxErrors);
        if (wire.Version < OfVersion.V13) return;
        wire.U32(ref DurationSeconds);
        wire.U32(ref DurationNanoseconds);
    }
}
