namespace Mergeflow.Engine.OpenFlow;

/// <summary>What came of a learned rule.</summary>
internal enum LearnResult : byte
{
    /// <summary>It was there already.</summary>
    Refreshed,

    /// <summary>It is new, or has other actions or another cookie.</summary>
    Changed,

    /// <summary>There are as many as allowed.</summary>
    OverLimit,
}

/// <summary>A rule that each packet of a megaflow learns (OVS <c>XC_LEARN</c>).</summary>
/// <param name="Rule">The rule, as a modification.</param>
/// <param name="Limit">Most rules with its cookie in its table; 0 = any number.</param>
/// <param name="Bridge">Whose tables learn it.</param>
public readonly record struct LearnedRule(FlowMod Rule, uint Limit, OfPipeline Bridge)
{
    /// <summary>The same rule, with the same actions.</summary>
    internal bool IsSame(ref readonly LearnedRule other)
        => Bridge == other.Bridge && (Rule.Table, Rule.Priority, Rule.NewCookie) == (other.Rule.Table, other.Rule.Priority, other.Rule.NewCookie)
        && Match.Same(in Rule.Match, in other.Rule.Match) && Rule.Actions.Equals(other.Rule.Actions);
}

/// <summary>Timeouts that a packet with FIN or RST gives to a rule (OVS <c>XC_FIN_TIMEOUT</c>).</summary>
/// <param name="Rule">The rule that has the action.</param>
/// <param name="IdleSeconds">Its idle timeout is at most this; 0 = as it is.</param>
/// <param name="HardSeconds">The same for its hard timeout.</param>
/// <param name="Bridge">Whose rule it is.</param>
public readonly record struct FinTimeout(OfRule Rule, ushort IdleSeconds, ushort HardSeconds, OfPipeline Bridge);

/// <summary>An address that <c>normal</c> learns from each packet of a megaflow (OVS <c>XC_NORMAL</c>).</summary>
/// <param name="Source">What is learned.</param>
/// <param name="Bridge">Who learns it.</param>
public readonly record struct LearnedAddress(LearnedSource Source, OfPipeline Bridge);
