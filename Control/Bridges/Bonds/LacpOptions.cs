namespace Mergeflow.Control.Bridges;

/// <summary>LACP of a bond as the database wants it (ovs-vswitchd.conf.db(5): <c>Port.lacp</c>, <c>other_config:lacp-*</c>).</summary>
public sealed record LacpOptions
{
    /// <summary>Speaks without being spoken to.</summary>
    public bool IsActive { get; init; }

    /// <summary>Identifies this end, an Ethernet address.</summary>
    public required ulong SystemId { get; init; }

    /// <summary>Lower is preferred.</summary>
    public required ushort SystemPriority { get; init; }

    /// <summary>Asks for a message each second instead of each 30.</summary>
    public bool IsFast { get; init; }

    /// <summary>Without an answer one member is used.</summary>
    public bool FallsBack { get; init; }
}

/// <summary>LACP of one member.</summary>
/// <param name="Name">Of the interface.</param>
/// <param name="PortId">Number told to the other end.</param>
/// <param name="PortPriority">Lower is preferred.</param>
/// <param name="Key">Links of one key may be one; 0 = as the first member's port.</param>
public sealed record LacpMemberOptions(string Name, ushort PortId, ushort PortPriority, ushort Key);
