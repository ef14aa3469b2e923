using System.Diagnostics;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Waits for what another thread or process does.</summary>
internal static class Eventually
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);

    /// <summary>Asks again and again until it is so.</summary>
    public static void True(Func<bool> condition, string what)
    {
        for (long start = Stopwatch.GetTimestamp(); !condition(); Thread.Sleep(1)) Assert.True(Stopwatch.GetElapsedTime(start) < s_longest, $"not within {s_longest.TotalSeconds} s: {what}");
    }
}
