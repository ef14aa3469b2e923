namespace Mergeflow.Engine;

/// <summary>An OpenFlow rule in a table, with its statistics (OVS <c>struct rule</c>).</summary>
public sealed class OfRule
{
    public required byte Table { get; init; }

    public required ushort Priority { get; init; }

    public required ulong Cookie { get; set; }

    /// <summary>Value and mask.</summary>
    public Match Match;

    public required EquatableList<OfAction> Actions { get; set; }

    public ushort IdleTimeoutSeconds { get; init; }

    public ushort HardTimeoutSeconds { get; init; }

    public long CreatedMs { get; init; }

    /// <summary>Settled packets: megaflow deltas are pushed here by the revalidator.</summary>
    public ulong Packets { get; set; }

    public ulong Bytes { get; set; }

    public long LastUsedMs { get; set; }

    public bool Removed { get; set; }

    /// <summary>The actions made ready for translation; replaced with <see cref="Actions"/>.</summary>
    internal XlateOp[] Program { get; set; } = [];

    /// <summary>Hash of mask and value, to find equal matches.</summary>
    internal int MatchHash { get; init; }

    /// <summary>The actions are <c>conjunction</c>s: the rule is one clause of a set match.</summary>
    internal OfConjunction[] Conjunctions { get; set; } = [];
}
