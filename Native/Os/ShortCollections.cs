namespace Mergeflow.Native;

/// <summary>
/// The collector of a program in which packet threads must not stop for long: it comes often, and has little to do each time. A collection stops managed threads for as long as it takes to
/// move what lives on of what was allocated since the last one, so that is bounded, for what has lived through one as well; full collections run beside the threads. What is allocated without a break pays with throughput, so
/// programs that replay and measure do without.
/// </summary>
public static class ShortCollections
{
    /// <summary>Most bytes between two collections of the young, as the runtime wants it: hexadecimal.</summary>
    private const string BudgetBytes = "10000";

    /// <summary>Starts over with these settings and <paramref name="more"/>, unless they are set. Call it before anything else.</summary>
    public static void Ensure(params ReadOnlySpan<(string Name, string Value)> more) => StartOver.With([("DOTNET_GCGen0MaxBudget", BudgetBytes), ("DOTNET_GCgen1size", BudgetBytes), ("DOTNET_GCGen1MaxBudget", BudgetBytes), ("DOTNET_gcConcurrent", "1"), .. more]);
}
