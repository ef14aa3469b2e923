using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <summary>One line of an explained translation (OVS <c>struct oftrace_node</c>); what it consists of, not how it is printed.</summary>
/// <param name="Kind">What it tells.</param>
/// <param name="Depth">How many others it is in: the nearest one before it that is less deep is the one that it is in.</param>
/// <param name="Text">Words; what else there is stands behind them.</param>
public sealed record XlateStep(XlateStepKind Kind, int Depth, string Text)
{
    /// <summary>Of <see cref="XlateStepKind.Table"/>: the table looked up.</summary>
    public byte Table { get; init; }

    /// <summary>Of <see cref="XlateStepKind.Table"/>: the rule found; null = none, or a text.</summary>
    public OfRule? Rule { get; init; }

    /// <summary>Of <see cref="XlateStepKind.Action"/>: the action that is about to run; null = a text.</summary>
    public OfAction? Action { get; init; }

    /// <summary>Of <see cref="XlateStepKind.Action"/>: the <c>nat</c> of a <c>ct</c>; null = another action.</summary>
    public OfNat? Nat { get; init; }

    /// <summary>Actions that are told of; null = none are.</summary>
    public IReadOnlyList<OfAction>? Actions { get; init; }

    /// <summary>A field, or a part of one, that holds <see cref="Value"/> now; null = none is told of.</summary>
    public Subfield? Range { get; init; }

    /// <summary>See <see cref="Range"/>.</summary>
    public UInt128 Value { get; init; }

    /// <summary>The rule that <c>learn</c> makes; null = none is told of.</summary>
    public FlowMod? Learned { get; init; }
}

/// <summary>A copy of the packet that conntrack has, and the tables get afterwards (OVS <c>struct oftrace_recirc_node</c>).</summary>
/// <param name="RecircId">Where it goes on.</param>
/// <param name="Flow">What it looks like, without what conntrack says of it.</param>
/// <param name="Nat">How its connection is translated; null = not.</param>
public sealed record XlateFork(uint RecircId, PipelineFlow Flow, OfNat? Nat);

/// <summary>What a line of an explained translation tells (OVS <c>enum oftrace_node_type</c>).</summary>
public enum XlateStepKind : byte
{
    /// <summary>A bridge begins.</summary>
    Bridge,

    /// <summary>A translation goes on that was put aside.</summary>
    Thaw,

    /// <summary>A table is looked up, or the action set runs.</summary>
    Table,

    /// <summary>A bucket begins.</summary>
    Bucket,

    /// <summary>An action.</summary>
    Action,

    /// <summary>What an action does.</summary>
    Detail,

    /// <summary>Why it does nothing.</summary>
    Warn,

    /// <summary>Why it cannot be.</summary>
    Error,
}
