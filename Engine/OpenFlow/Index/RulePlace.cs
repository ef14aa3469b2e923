namespace Mergeflow.Engine.OpenFlow;

/// <summary>Where a rule stands in a <see cref="Subtable"/>.</summary>
/// <param name="Rules">The part that has it; null = there is none.</param>
/// <param name="At">Its place there.</param>
internal readonly record struct RulePlace(SubtableLayout? Rules, int At)
{
    /// <summary>There is no rule.</summary>
    public bool IsNone => Rules is null;

    /// <summary>The rule.</summary>
    public OfRule Rule => Rules!.Rules[At];

    /// <summary>The next rule with the same value.</summary>
    public RulePlace Next => Rules!.Next(At) is >= 0 and var next ? new RulePlace(Rules, next) : default;
}
