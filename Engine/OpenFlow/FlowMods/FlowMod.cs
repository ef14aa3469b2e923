namespace Mergeflow.Engine.OpenFlow;

/// <summary>One parsed flow line: what to do with which match (OVS <c>struct ofputil_flow_mod</c>).</summary>
/// <remarks>For delete and modify, <see cref="CookieMask"/> non-zero restricts to rules with that cookie; <see cref="Table"/> null means all tables for delete, table 0 for add and modify.</remarks>
public sealed class FlowMod
{
    public FlowModCommand Command { get; init; } = FlowModCommand.Add;

    public byte? Table { get; init; }

    public ushort Priority { get; init; } = 0x8000;

    public ulong Cookie { get; init; }

    public ulong CookieMask { get; init; }

    /// <summary>
    /// Add: the rule's cookie. Modify: read, but without effect, as in OpenFlow 1.2 and later.
    /// Unlike this, <see cref="Cookie"/> and <see cref="CookieMask"/> say which rules a modify or delete is about.
    /// </summary>
    public ulong? NewCookie { get; init; }

    /// <summary>A modification that selects nothing adds a rule (OpenFlow 1.0 and 1.1).</summary>
    public bool AddsIfNone { get; init; }

    /// <summary>A modification as OpenFlow 1.0 has it: in all tables if it names none, and what it selects gets <see cref="NewCookie"/>. Later ones are about table 0, and leave cookies as they are.</summary>
    public bool IsOf10 { get; init; }

    /// <summary>Seconds; 0 = never.</summary>
    public ushort IdleTimeoutSeconds { get; init; }

    /// <summary>Seconds; 0 = never.</summary>
    public ushort HardTimeoutSeconds { get; init; }

    /// <summary>Value and mask; see <see cref="Engine.Match"/>.</summary>
    public Match Match;

    public EquatableList<OfAction> Actions { get; init; } = EquatableList<OfAction>.Empty;

    /// <summary>Restricts delete to rules that output to this port.</summary>
    public uint? OutPort { get; init; }

    /// <summary>Restricts delete to rules that output to this group.</summary>
    public uint? OutGroup { get; init; }

    /// <summary>Eviction importance, 0 = none.</summary>
    public ushort Importance { get; init; }

    public FlowModFlags Flags { get; init; }
}

/// <summary>Flow table modification (OpenFlow <c>OFPFC_*</c>).</summary>
public enum FlowModCommand : byte
{
    Add,
    Modify,
    ModifyStrict,
    Delete,
    DeleteStrict,
}

/// <summary>Flags of a flow modification (OVS <c>OFPUTIL_FF_*</c>).</summary>
[Flags]
public enum FlowModFlags : byte
{
    None = 0,
    SendFlowRemoved = 1,
    CheckOverlap = 2,

    /// <summary>A modify, or an add that replaces, sets the rule's counters to zero.</summary>
    ResetCounts = 4,
    NoPacketCounts = 8,
    NoByteCounts = 16,
}
