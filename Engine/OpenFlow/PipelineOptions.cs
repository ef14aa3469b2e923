using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>What a pipeline needs to know besides its rules.</summary>
public sealed record PipelineOptions
{
    /// <summary>Name of the bridge; explanations tell it.</summary>
    public string Name { get; init; } = "";

    /// <summary>Of the datapath that it is in with other bridges; null = it is in one by itself.</summary>
    public PipelineBacker? Backer { get; init; }

    /// <summary>Ports of the bridge.</summary>
    public IReadOnlyList<PipelinePort> Ports { get; init; } = [];

    /// <summary>Several packet threads count for rules at the same time.</summary>
    public bool IsShared { get; init; }

    /// <summary>Key of the hashes that choose buckets.</summary>
    public ulong HashKey { get; init; }

    /// <summary>Where meters act; null = nowhere.</summary>
    public IMeterDevice? Meters { get; init; }

    /// <summary>VLAN tags that a packet's key shows, 1 or more; 0 = two (OVS <c>other_config:vlan-limit</c>). Actions can stack two whatever it is.</summary>
    public int VlanLimit { get; init; } = 2;

    /// <summary>Whose faults are repeated.</summary>
    public Quirks Quirks { get; init; } = Quirks.None;

    /// <summary>Age in ms at which <c>normal</c> forgets a MAC address (OVS <c>mac-aging-time</c>, 300 s).</summary>
    public long MacAgingMs { get; init; } = 300_000;

    /// <summary>Most MAC addresses that <c>normal</c> learns (OVS <c>mac-table-size</c>).</summary>
    public int MacTableSize { get; init; } = 8192;
}
