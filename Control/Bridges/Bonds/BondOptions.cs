using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Control.Bridges;

/// <summary>A bond as the database wants it (ovs-vswitchd.conf.db(5), table <c>Port</c>).</summary>
public sealed record BondOptions
{
    /// <summary>Time between two looks at what members carry unless the database says otherwise, ms.</summary>
    public const int DefaultRebalanceMs = 10_000;

    /// <summary>How members share.</summary>
    public BondMode Mode { get; init; }

    /// <summary>How long a link has to be up before it is used, ms.</summary>
    public int UpDelayMs { get; init; }

    /// <summary>How long a link has to be down before it is not used, ms.</summary>
    public int DownDelayMs { get; init; }

    /// <summary>Goes into hashes.</summary>
    public uint Basis { get; init; }

    /// <summary>Time between two looks at what members carry, ms; 0 = flows are not moved by load.</summary>
    public int RebalanceMs { get; init; } = DefaultRebalanceMs;

    /// <summary>What is for all is taken by every member.</summary>
    public bool AllActive { get; init; }

    /// <summary>The member that is preferred; null = none.</summary>
    public string? Primary { get; init; }

    /// <summary>LACP; null = none.</summary>
    public LacpOptions? Lacp { get; init; }

    /// <summary>The member that was active before a restart, by its address; null = none.</summary>
    public ulong? ActiveBefore { get; init; }
}

/// <summary>A member of a bond.</summary>
/// <param name="Port">OpenFlow number.</param>
/// <param name="Name">Of the interface.</param>
/// <param name="Mac">Its address.</param>
/// <param name="Lacp">Its LACP.</param>
public sealed record BondMemberOptions(uint Port, string Name, ulong Mac, LacpMemberOptions Lacp);
