namespace Mergeflow.PropertyTests;

/// <summary>A rule of the model: a list of conditions, a list of actions and a counter.</summary>
internal sealed class RefRule
{
    public required int Table { get; init; }

    public required int Priority { get; init; }

    public required ulong Cookie { get; set; }

    public required List<RefTerm> Terms { get; init; }

    public required IReadOnlyList<OfAction> Actions { get; set; }

    public ulong Packets { get; set; }

    public ulong Bytes { get; set; }

    public bool Matches(RefFlow flow)
    {
        foreach (RefTerm term in Terms)
        {
            if (!term.Holds(flow)) return false;
        }

        return true;
    }

    /// <summary>Same table, priority and match.</summary>
    public bool IsSame(int table, int priority, List<RefTerm> terms)
        => Table == table && Priority == priority && Terms.ToHashSet().SetEquals(terms);

    /// <summary>Everything that this rule matches, <paramref name="terms"/> matches too.</summary>
    public bool IsWithin(List<RefTerm> terms)
    {
        foreach (RefTerm wide in terms)
        {
            if (!Terms.Any(t => t.Field == wide.Field && (t.Mask & wide.Mask) == wide.Mask && (t.Value & wide.Mask) == wide.Value)) return false;
        }

        return true;
    }
}
