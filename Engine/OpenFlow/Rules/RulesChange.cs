namespace Mergeflow.Engine.OpenFlow;

/// <summary>The difference between two versions of the tables: whoever caches translations need not look at all of them.</summary>
/// <param name="From"><see cref="OfPipeline.RulesVersion"/> before; behind, it is the next.</param>
/// <param name="Rules">Tables and matches that have a rule now and had none, or have none now, or another one.</param>
internal sealed record RulesChange(ulong From, IReadOnlyList<OfRule> Rules)
{
    /// <summary>Changes that are remembered behind each other.</summary>
    private const int MostBehind = 64;

    private int _behind;

    /// <summary>The change before this one, if it is known as well.</summary>
    public RulesChange? Previous { get; private init; }

    /// <summary>This change behind another one.</summary>
    public RulesChange Behind(RulesChange? previous)
        => previous is null || previous._behind == MostBehind ? this : this with { Previous = previous, _behind = previous._behind + 1 };
}
