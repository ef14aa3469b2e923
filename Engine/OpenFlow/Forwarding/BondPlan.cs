namespace Mergeflow.Engine.OpenFlow;

/// <summary>How a bond shares what it sends (ovs-vswitchd.conf.db(5), <c>bond_mode</c>).</summary>
public enum BondMode : byte
{
    /// <summary>One member at a time.</summary>
    ActiveBackup,

    /// <summary>By source address and VLAN.</summary>
    BalanceSlb,

    /// <summary>By addresses and ports.</summary>
    BalanceTcp,
}

/// <summary>State of LACP on a bond (OVS <c>enum lacp_status</c>).</summary>
public enum BondLacp : byte
{
    /// <summary>Not used.</summary>
    Off,

    /// <summary>Used, and the other end does not answer.</summary>
    Configured,

    /// <summary>Both ends agree.</summary>
    Negotiated,
}

/// <summary>A bond at one moment (OVS <c>struct bond</c> as translation reads it). Immutable: a change is another plan.</summary>
public sealed record BondPlan
{
    /// <summary>Buckets that flows are spread over (OVS <c>BOND_BUCKETS</c>).</summary>
    public const int BucketCount = 256;

    /// <summary>How it shares.</summary>
    public required BondMode Mode { get; init; }

    /// <summary>State of LACP.</summary>
    public BondLacp Lacp { get; init; }

    /// <summary>Numbers of the members that may be used.</summary>
    public required IReadOnlyList<uint> Enabled { get; init; }

    /// <summary>The one that takes what is for all, and everything of <see cref="BondMode.ActiveBackup"/>; null = none is enabled.</summary>
    public uint? Active { get; init; }

    /// <summary>Member of each bucket; empty in <see cref="BondMode.ActiveBackup"/> and where no member is enabled.</summary>
    public IReadOnlyList<uint> Buckets { get; init; } = [];

    /// <summary>Goes into the hash (<c>other_config:bond-hash-basis</c>).</summary>
    public uint Basis { get; init; }

    /// <summary>What is for all is taken by every member, not by the active one alone (<c>other_config:all-members-active</c>).</summary>
    public bool AllActive { get; init; }

    /// <summary>Count what each bucket sends; null = nothing is counted.</summary>
    public BondCounters? Counters { get; init; }

    /// <summary>Same members in every respect.</summary>
    public bool IsSame(BondPlan other)
        => Mode == other.Mode && Lacp == other.Lacp && Active == other.Active && Basis == other.Basis && AllActive == other.AllActive && Counters == other.Counters && Enabled.SequenceEqual(other.Enabled) && Buckets.SequenceEqual(other.Buckets);
}
