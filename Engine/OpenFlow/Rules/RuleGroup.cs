namespace Mergeflow.Engine.OpenFlow;

/// <summary>The rules of a table that share one mask, as modifications leave them.</summary>
internal sealed class RuleGroup(OfRule like)
{
    /// <summary>A rule with the mask.</summary>
    public OfRule Like { get; } = like;

    /// <summary>In order of precedence.</summary>
    public PrecedenceList Members { get; } = [];

    /// <summary>The subtable made of it is out of date.</summary>
    public bool IsChanged => Touched.Count > 0;

    /// <summary>Rules that have come or gone since <see cref="Latest"/> was made.</summary>
    public List<OfRule> Touched { get; } = [];

    /// <summary>The subtable that was made of it last; null = none.</summary>
    public Subtable? Latest { get; set; }
}
