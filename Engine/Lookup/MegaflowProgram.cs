using Mergeflow.Engine.Actions;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Lookup;

/// <summary>What was decided for the packets of a megaflow, and what the decision depends on: the upcall fills it in, the table takes a copy.</summary>
public readonly ref struct MegaflowProgram
{
    /// <summary>The records; none = drop.</summary>
    public ReadOnlySpan<DpAction> Actions { get; init; }

    /// <summary>OpenFlow rules that the packet went through, one entry per visit (a rule visited twice stands twice).</summary>
    public ReadOnlySpan<OfRule> Rules { get; init; }

    /// <summary>See <see cref="Megaflow.Groups"/>.</summary>
    public ReadOnlySpan<OfRuleStats> Groups { get; init; }

    /// <summary>Recirculation ids that the records name.</summary>
    public ReadOnlySpan<uint> RecircIds { get; init; }

    /// <summary>Addresses that <c>normal</c> learns from each packet.</summary>
    public ReadOnlySpan<LearnedAddress> Learned { get; init; }

    /// <summary>See <see cref="Megaflow.LearnedRules"/>.</summary>
    public ReadOnlySpan<LearnedRule> LearnedRules { get; init; }

    /// <summary>See <see cref="Megaflow.FinTimeouts"/>.</summary>
    public ReadOnlySpan<FinTimeout> FinTimeouts { get; init; }

    /// <summary>See <see cref="Megaflow.FromSlowPath"/>.</summary>
    public bool FromSlowPath { get; init; }

    /// <summary>See <see cref="Megaflow.IsSlowByOrder"/>.</summary>
    public bool IsSlowByOrder { get; init; }

    /// <summary>See <see cref="Megaflow.TagsOverlap"/>.</summary>
    public bool TagsOverlap { get; init; }

    /// <summary>See <see cref="Megaflow.TagIsOpen"/>.</summary>
    public bool TagIsOpen { get; init; }
}
