namespace Mergeflow.Engine.OpenFlow;

/// <summary>The rules of a table that share one mask, as modifications leave them.</summary>
internal sealed class RuleGroup(OfRule like)
{
    /// <summary>A rule with the mask.</summary>
    public OfRule Like { get; } = like;

    /// <summary>In order of precedence.</summary>
    public List<OfRule> Members { get; } = [];

    /// <summary>The subtable made of it is out of date.</summary>
    public bool IsChanged { get; set; }

    /// <summary>Where a rule of this precedence stands, or belongs.</summary>
    public int PositionOf(ulong precedence) => PositionOf(Members, precedence);

    /// <summary>The first of ascending precedences that is not below <paramref name="precedence"/>.</summary>
    public static unsafe int PositionOf(ulong* precedences, int count, ulong precedence)
    {
        int low = 0;
        while (low < count)
        {
            int mid = (low + count) / 2;
            if (precedences[mid] < precedence) low = mid + 1;
            else count = mid;
        }

        return low;
    }

    /// <inheritdoc cref="PositionOf(ulong)"/>
    public static int PositionOf(List<OfRule> rules, ulong precedence)
    {
        int low = 0;
        int high = rules.Count;
        while (low < high)
        {
            int mid = (low + high) / 2;
            if (rules[mid].Precedence < precedence) low = mid + 1;
            else high = mid;
        }

        return low;
    }
}
