namespace Mergeflow.Perf;

/// <summary>Where a scenario is.</summary>
/// <param name="Phase">E.g. <c>warm-up</c> or <c>run 2/5</c>.</param>
/// <param name="Part">Part of the scenario that is done, 0..1.</param>
public readonly record struct BenchProgress(string Phase, double Part);
