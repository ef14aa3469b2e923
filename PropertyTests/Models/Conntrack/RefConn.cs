namespace Mergeflow.PropertyTests;

/// <summary>A connection of the model.</summary>
internal sealed class RefConn
{
    public required RefKey Forward { get; init; }

    /// <summary>What an answer looks like on the wire: the reversed <see cref="Forward"/>, changed by NAT.</summary>
    public required RefKey Reply { get; set; }

    /// <summary>Counts connections in the order they were added.</summary>
    public long Number { get; set; }

    public long ExpiryMs { get; set; }

    public uint Mark { get; set; }

    public UInt128 Label { get; set; }

    /// <summary>Not TCP: 0 = first packet only, 1 = more of the original direction, 2 = both directions.</summary>
    public int State { get; set; }

    /// <summary>TCP: the sender of the original direction and the other one.</summary>
    public RefTcpPeer[] Peers { get; } = [new(), new()];

    /// <summary>null = not translated, true = source, false = destination.</summary>
    public bool? TranslatesSource { get; init; }

    public ulong OrigPackets { get; set; }

    public ulong ReplyPackets { get; set; }
}
