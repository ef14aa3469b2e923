using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>What an exploration has found.</summary>
/// <param name="Runs">Orders that were run.</param>
/// <param name="IsComplete">There is no other order within the bounds.</param>
/// <param name="Violation">What went wrong in the last run; null = nothing in any.</param>
/// <param name="Order">Its accesses in order, <c>thread.step</c>; those of the last run if nothing went wrong.</param>
internal sealed record ExplorerResult(int Runs, bool IsComplete, string? Violation, string Order)
{
    /// <summary>No order breaks the protocol, and there was more than one.</summary>
    public void MustHold()
    {
        Assert.True(Violation is null, $"{Violation}: run {Runs}, {Order}");
        Assert.True(Runs > 1, "there was one order only: nothing is marked");
    }

    /// <summary>The same, and every order was run.</summary>
    public void MustHoldInEveryOrder()
    {
        MustHold();
        Assert.True(IsComplete, $"not every order was run: {Runs} of more");
    }

    /// <summary>A broken twin must be caught.</summary>
    public void MustBeCaught(string what = "") => Assert.True(Violation is not null && Violation.Contains(what, StringComparison.Ordinal), $"the broken twin passed {Runs} orders; last: {Violation} {Order}");
}
