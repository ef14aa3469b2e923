using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>learn(..)</c>: a packet adds a rule (OVS <c>struct ofpact_learn</c>).</summary>
public sealed record OfLearn : OfAction
{
    /// <summary>Where the rule goes, 0..254.</summary>
    public byte Table { get; init; }

    public ushort Priority { get; init; } = 0x8000;

    public ulong Cookie { get; init; }

    /// <summary>Seconds; 0 = never.</summary>
    public ushort IdleTimeoutSeconds { get; init; }

    /// <summary>Seconds; 0 = never.</summary>
    public ushort HardTimeoutSeconds { get; init; }

    /// <summary>As in <see cref="OfFinTimeout"/>; 0 = none.</summary>
    public ushort FinIdleTimeoutSeconds { get; init; }

    /// <summary>As in <see cref="OfFinTimeout"/>; 0 = none.</summary>
    public ushort FinHardTimeoutSeconds { get; init; }

    public OfLearnFlags Flags { get; init; }

    /// <summary>Most rules that it adds; 0 = any number.</summary>
    public uint Limit { get; init; }

    /// <summary>One bit that becomes 1 if the rule is there and 0 if the limit kept it out; null = not wanted.</summary>
    public Subfield? Result { get; init; }

    /// <summary>What the rule matches and does.</summary>
    public EquatableList<OfLearnSpec> Specs { get; init; } = EquatableList<OfLearnSpec>.Empty;
}

/// <summary>One part of the rule that <see cref="OfLearn"/> adds (OVS <c>struct ofpact_learn_spec</c>).</summary>
/// <param name="Kind">What is made of the bits.</param>
/// <param name="Source">Where the bits come from; null = they are <paramref name="Value"/>.</param>
/// <param name="Value">The bits, right-aligned, where there is no source.</param>
/// <param name="Destination">The field that is matched or written; null for an output.</param>
/// <param name="BitCount">How many bits: those of the source, and of the destination.</param>
public sealed record OfLearnSpec(OfLearnKind Kind, Subfield? Source, UInt128 Value, Subfield? Destination, int BitCount);

/// <summary>What is made of the bits (OVS <c>NX_LEARN_DST_*</c>).</summary>
public enum OfLearnKind : byte
{
    Match,
    Load,
    Output,
}

/// <summary>Flags of <see cref="OfLearn"/> (OVS <c>NX_LEARN_F_*</c>).</summary>
[Flags]
public enum OfLearnFlags : byte
{
    None = 0,
    SendFlowRemoved = 1,

    /// <summary>When the rule goes that has the action, what it has learned goes too.</summary>
    DeleteLearned = 2,
}
