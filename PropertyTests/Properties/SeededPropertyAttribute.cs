using FsCheck.Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// A property whose cases are the same in every run, so that a change is judged on the change. With <c>MERGEFLOW_RANDOM=1</c> they are others
/// each time; what that finds goes into the corpus.
/// </summary>
#pragma warning disable xUnit3003 // the base class takes no source location
[AttributeUsage(AttributeTargets.Method)]
public sealed class SeededPropertyAttribute : PropertyAttribute
{
    private const string Seed = "(20261123,1)";

    /// <summary>Fixes the seed unless the environment wants new cases.</summary>
    public SeededPropertyAttribute()
    {
        if (Environment.GetEnvironmentVariable("MERGEFLOW_RANDOM") != "1") Replay = Seed;
    }
}
#pragma warning restore xUnit3003
