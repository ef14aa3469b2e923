namespace Mergeflow.Engine;

/// <summary>What a pipeline needs to know besides its rules.</summary>
public sealed record PipelineOptions
{
    /// <summary>Ports of the bridge.</summary>
    public IReadOnlyList<PipelinePort> Ports { get; init; } = [];

    /// <summary>VLAN tags the model keeps, 1 or 2 (OVS <c>other_config:vlan-limit</c>): one more push loses the innermost.</summary>
    public int VlanLimit { get; init; } = 2;

    /// <summary>
    /// Whether the megaflow of a single-tagged packet that loses its tag or gets another says that there was no second one. False, as Open
    /// vSwitch 3.1: a double-tagged packet with the same outer tag then gets what the single-tagged one got. True makes every megaflow sound,
    /// and keeps the statistics of MPLS packets without a label, which Open vSwitch loses.
    /// </summary>
    public bool ExactVlanPop { get; init; }

    /// <summary>
    /// Tables of at most this many rules make megaflows as narrow as Open vSwitch's: lookups read stage by stage (<c>StagedLookup</c>), and
    /// what an action writes counts as read. 0 = megaflows are as wide as they can be everywhere.
    /// </summary>
    public int StagedTableRules { get; init; }

    /// <summary>Age in ms at which <c>normal</c> forgets a MAC address (OVS <c>mac-aging-time</c>, 300 s).</summary>
    public long MacAgingMs { get; init; } = 300_000;

    /// <summary>Most MAC addresses that <c>normal</c> learns (OVS <c>mac-table-size</c>).</summary>
    public int MacTableSize { get; init; } = 8192;
}
