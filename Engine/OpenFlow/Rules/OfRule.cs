namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// An OpenFlow rule in a table (OVS <c>struct rule</c>). What decides about packets never changes: a modification puts another object in its
/// place, so whoever holds a snapshot of the tables goes on seeing what it held. The counters, <see cref="Stats"/>, move, and so do timeouts and the time
/// from which a hard timeout counts, which decide how long the rule lives.
/// </summary>
public sealed class OfRule(Match match)
{
    private int _idleTimeoutSeconds;
    private int _hardTimeoutSeconds;
    private long _modifiedMs;

    public required byte Table { get; init; }

    public required ushort Priority { get; init; }

    public required ulong Cookie { get; init; }

    /// <summary>Value and mask.</summary>
    public readonly Match Match = match;

    public required EquatableList<OfAction> Actions { get; init; }

    /// <summary>Seconds; 0 = never. <c>fin_timeout</c> shortens it.</summary>
    public ushort IdleTimeoutSeconds
    {
        get => (ushort)Volatile.Read(ref _idleTimeoutSeconds);
        init => _idleTimeoutSeconds = value;
    }

    /// <summary>Seconds; 0 = never. <c>fin_timeout</c> shortens it.</summary>
    public ushort HardTimeoutSeconds
    {
        get => (ushort)Volatile.Read(ref _hardTimeoutSeconds);
        init => _hardTimeoutSeconds = value;
    }

    public long CreatedMs { get; init; }

    /// <summary>When it was added, modified or learned for the last time: a hard timeout counts from here (OVS <c>rule-&gt;modified</c>).</summary>
    public long ModifiedMs
    {
        get => Math.Max(Volatile.Read(ref _modifiedMs), CreatedMs);
        init => _modifiedMs = value;
    }

    /// <summary>Whether its removal is told, and what is counted; no others.</summary>
    public FlowModFlags Flags { get; init; }

    /// <summary>Eviction importance, 0 = none.</summary>
    public ushort Importance { get; init; }

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
            if (HardTimeoutSeconds != 0) due = ModifiedMs + (HardTimeoutSeconds * 1000L);
            if (IdleTimeoutSeconds != 0) due = Math.Min(due, Math.Max(LastUsedMs, CreatedMs) + (IdleTimeoutSeconds * 1000L));
            return due;
        }
    }

    /// <summary>Its hard timeout has passed.</summary>
    internal bool IsHardDue(long nowMs) => HardTimeoutSeconds != 0 && nowMs >= ModifiedMs + (HardTimeoutSeconds * 1000L);

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

    /// <summary>Some action is <c>learn</c>, not counting actions inside of others.</summary>
    internal bool HasLearn { get; init; }

    /// <summary>It matches every packet and has the lowest priority: a table-miss rule.</summary>
    internal bool IsTableMiss { get; init; }

    /// <summary>What brings a frozen list back to this rule.</summary>
    internal XlateOp Unroll => field ??= XlateOp.UnrollTo(Table, Cookie);

    /// <summary>A packet has learned the rule again.</summary>
    internal void Refresh(long nowMs) => Volatile.Write(ref _modifiedMs, nowMs);

    /// <summary>Some timeout is longer, seconds; 0 = does not matter.</summary>
    internal bool IsLongerThan(ushort idleSeconds, ushort hardSeconds)
        => (idleSeconds != 0 && (IdleTimeoutSeconds == 0 || IdleTimeoutSeconds > idleSeconds)) || (hardSeconds != 0 && (HardTimeoutSeconds == 0 || HardTimeoutSeconds > hardSeconds));

    /// <summary>Timeouts become at most these, seconds; 0 = as they are. Under the pipeline's lock.</summary>
    internal void ReduceTimeouts(ushort idleSeconds, ushort hardSeconds)
    {
        if (idleSeconds != 0 && (IdleTimeoutSeconds == 0 || IdleTimeoutSeconds > idleSeconds)) Volatile.Write(ref _idleTimeoutSeconds, idleSeconds);
        if (hardSeconds != 0 && (HardTimeoutSeconds == 0 || HardTimeoutSeconds > hardSeconds)) Volatile.Write(ref _hardTimeoutSeconds, hardSeconds);
    }

    /// <summary>The same rule with other actions, and perhaps another cookie; its counters go on, or begin anew. A hard timeout counts from now.</summary>
    internal OfRule With(EquatableList<OfAction> actions, ulong cookie, bool resetsCounts, ulong batch, long nowMs) => new(Match)
    {
        Table = Table,
        Priority = Priority,
        Cookie = cookie,
        Actions = actions,
        IdleTimeoutSeconds = IdleTimeoutSeconds,
        HardTimeoutSeconds = HardTimeoutSeconds,
        CreatedMs = CreatedMs,
        ModifiedMs = nowMs,
        Flags = Flags,
        Importance = Importance,
        HasLearn = actions.Any(static a => a is OfLearn),
        IsTableMiss = IsTableMiss,
        Stats = resetsCounts ? new OfRuleStats(LastUsedMs, Stats.IsShared) : Stats,
        Program = XlateCompiler.Compile(actions),
        Conjunctions = [.. actions.OfType<OfConjunction>()],
        MatchHash = MatchHash,
        Precedence = Precedence,
        Batch = batch,
    };
}
