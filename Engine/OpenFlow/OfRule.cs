namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// An OpenFlow rule in a table (OVS <c>struct rule</c>). What decides about packets never changes: a modification puts another object in its
/// place, so whoever holds a snapshot of the tables goes on seeing what it held. Only the counters, <see cref="Stats"/>, move.
/// </summary>
public sealed class OfRule(Match match)
{
    public required byte Table { get; init; }

    public required ushort Priority { get; init; }

    public required ulong Cookie { get; init; }

    /// <summary>Value and mask.</summary>
    public readonly Match Match = match;

    public required EquatableList<OfAction> Actions { get; init; }

    public ushort IdleTimeoutSeconds { get; init; }

    public ushort HardTimeoutSeconds { get; init; }

    public long CreatedMs { get; init; }

    /// <summary>Counters; those of the rule whose place this one took, if it took over its counters.</summary>
    public OfRuleStats Stats { get; init; } = new();

    /// <summary>Settled packets: megaflow deltas are pushed here by the revalidator.</summary>
    public ulong Packets => Stats.Packets;

    /// <summary>Their bytes.</summary>
    public ulong Bytes => Stats.Bytes;

    /// <summary>See <see cref="OfRuleStats.LastUsedMs"/>.</summary>
    public long LastUsedMs => Stats.LastUsedMs;

    /// <summary>When the rule's time is up, as far as its uses are known; never without timeouts.</summary>
    internal long DueMs
    {
        get
        {
            long due = long.MaxValue;
            if (HardTimeoutSeconds != 0) due = CreatedMs + (HardTimeoutSeconds * 1000L);
            if (IdleTimeoutSeconds != 0) due = Math.Min(due, Math.Max(LastUsedMs, CreatedMs) + (IdleTimeoutSeconds * 1000L));
            return due;
        }
    }

    /// <summary>The actions made ready for translation.</summary>
    internal XlateOp[] Program { get; init; } = [];

    /// <summary>Order in the table: lower comes first. Higher priorities are lower, and among equals the rule that was added first.</summary>
    internal ulong Precedence { get; init; }

    /// <summary>Number of the batch of modifications that added it.</summary>
    internal ulong Batch { get; init; }

    /// <summary>Hash of mask and value, to find equal matches.</summary>
    internal int MatchHash { get; init; }

    /// <summary>The actions are <c>conjunction</c>s: the rule is one clause of a set match.</summary>
    internal OfConjunction[] Conjunctions { get; init; } = [];

    /// <summary>The same rule with other actions; its counters go on, or begin anew.</summary>
    internal OfRule With(EquatableList<OfAction> actions, bool resetsCounts, ulong batch) => new(Match)
    {
        Table = Table,
        Priority = Priority,
        Cookie = Cookie,
        Actions = actions,
        IdleTimeoutSeconds = IdleTimeoutSeconds,
        HardTimeoutSeconds = HardTimeoutSeconds,
        CreatedMs = CreatedMs,
        Stats = resetsCounts ? new OfRuleStats(LastUsedMs, Stats.IsShared) : Stats,
        Program = XlateCompiler.Compile(actions),
        Conjunctions = [.. actions.OfType<OfConjunction>()],
        MatchHash = MatchHash,
        Precedence = Precedence,
        Batch = batch,
    };
}
