using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>How <c>normal</c> forwards IP multicast by what hosts have asked for (ovs-vswitchd.conf.db(5): <c>mcast_snooping_enable</c>, <c>mcast-snooping-*</c>). Immutable.</summary>
public sealed record MulticastPlan
{
    /// <summary>Groups that a bridge knows unless the database says otherwise (OVS <c>MCAST_DEFAULT_MAX_ENTRIES</c>).</summary>
    public const int DefaultCapacity = 2048;

    /// <summary>Seconds that a port is in a group unless the database says otherwise (OVS <c>MCAST_ENTRY_DEFAULT_IDLE_TIME</c>).</summary>
    public const int DefaultAgingSeconds = 300;

    /// <summary>Most groups that are known.</summary>
    public int Capacity { get; init; } = DefaultCapacity;

    /// <summary>A port leaves a group when it has not asked for it for so long, seconds.</summary>
    public int AgingSeconds { get; init; } = DefaultAgingSeconds;

    /// <summary>Packets to groups that nobody has asked for go everywhere; else to routers alone.</summary>
    public bool FloodsUnregistered { get; init; } = true;

    /// <summary>Ports that get all multicast packets but reports, ascending; nothing is learned from them.</summary>
    public IReadOnlyList<uint> FloodPorts { get; init; } = [];

    /// <summary>Ports that get reports too, ascending; they leave groups by time alone.</summary>
    public IReadOnlyList<uint> ReportPorts { get; init; } = [];

    /// <summary>Same settings in every respect.</summary>
    public bool IsSame(MulticastPlan? other)
        => other is not null && Capacity == other.Capacity && AgingSeconds == other.AgingSeconds && FloodsUnregistered == other.FloodsUnregistered && FloodPorts.SequenceEqual(other.FloodPorts) && ReportPorts.SequenceEqual(other.ReportPorts);
}

/// <summary>A port that is in a group.</summary>
/// <param name="Group">Address; those of IPv4 are <c>::ffff:a.b.c.d</c>.</param>
/// <param name="Vid">VLAN, 0 for none.</param>
/// <param name="Port">OpenFlow number.</param>
/// <param name="AgeSeconds">Since it has asked for the group.</param>
public readonly record struct MulticastMember(Ipv6Address Group, ushort Vid, uint Port, long AgeSeconds);

/// <summary>A port behind which a router asks who is in groups.</summary>
/// <param name="Vid">VLAN, 0 for none.</param>
/// <param name="Port">OpenFlow number.</param>
/// <param name="AgeSeconds">Since it has asked.</param>
public readonly record struct MulticastRouter(ushort Vid, uint Port, long AgeSeconds);
