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
