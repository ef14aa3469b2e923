using System.Globalization;
using FsCheck.Xunit;
using Mergeflow.Native;

namespace Mergeflow.PropertyTests;

/// <summary>
/// A property whose cases are the same in every run, so that a change is judged on the change. With <c>MERGEFLOW_RANDOM=1</c> they are others
/// each time, and with <c>MERGEFLOW_SEED</c> those of that seed; what that finds goes into the corpus.
/// </summary>
#pragma warning disable xUnit3003 // the base class takes no source location
[AttributeUsage(AttributeTargets.Method)]
public sealed class SeededPropertyAttribute : PropertyAttribute
{
    private const string Seed = "(20261123,1)";

    /// <summary>Fixes the seed unless the environment wants new cases.</summary>
    public SeededPropertyAttribute()
    {
        bool isRandom = Environment.GetEnvironmentVariable("MERGEFLOW_RANDOM") == "1" || Environment.GetEnvironmentVariable(ProcessSeed.Variable) is { Length: > 0 };
        Replay = isRandom ? string.Create(CultureInfo.InvariantCulture, $"({ProcessSeed.Value},1)") : Seed;
    }
}
#pragma warning restore xUnit3003
