using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What stops packet threads, and what wakes them.</summary>
[Collection(nameof(AloneCollection))]
public sealed class PausesTests
{
    [Fact]
    public void Every_load_says_what_the_collector_and_the_packet_thread_saw()
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(PerfExitCode.Ok, PerfApp.Run(["pauses", "--seconds", "0.1", "--as-started"], output, error, TestContext.Current.CancellationToken));
        string text = output.ToString();
        Assert.All(["idle: ", "rules: ", "dumps: ", "upcalls: ", "bundles: "], load => Assert.Contains(load, text, StringComparison.Ordinal));
        Assert.Equal(5, text.Split("  collector, us: ").Length - 1);
        Assert.Equal(5, text.Split("  polls, us: p50 ").Length - 1);
        Assert.Equal("", error.ToString());
    }

    [Fact]
    public void What_is_allocated_is_told_by_type()
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(PerfExitCode.Ok, PerfApp.Run(["pauses", "--load", "bundles", "--seconds", "0.5", "--limit-us", "100000000", "--limit-at", "0.5", "--types", "--as-started"], output, error, TestContext.Current.CancellationToken));
        Assert.Contains("MiB/s Mergeflow.Engine.OpenFlow.", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Frames_and_orders_wake_threads_that_sleep()
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(PerfExitCode.Ok, PerfApp.Run(["wake", "--rounds", "20"], output, error, TestContext.Current.CancellationToken));
        Assert.Contains("a thread that sleeps in the same way", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("frame to a thread that sleeps", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("of one processor", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_stop_longer_than_the_limit_is_said_and_fails()
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(PerfExitCode.Failed, PerfApp.Run(["pauses", "--load", "bundles", "--seconds", "0.5", "--limit-us", "1", "--limit-at", "1", "--as-started"], output, error, TestContext.Current.CancellationToken));
        Assert.Matches("a stop of a packet thread by the collector at p100 is [0-9]+ us, longer than 1 us", output.ToString());
    }

    [Theory]
    [InlineData("pauses", "--seconds", "0")]
    [InlineData("pauses", "--pmd", "65")]
    [InlineData("pauses", "--limit-us", "-1")]
    [InlineData("pauses", "--limit-at", "0")]
    [InlineData("wake", "--rounds", "0")]
    [InlineData("churn", "--connections", "0")]
    [InlineData("churn", "--flow-limit", "16777217")]
    [InlineData("churn", "--merged-rules", "0")]
    public void Values_that_make_no_sense_are_refused_by_name(string command, string option, string value)
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(PerfExitCode.Usage, PerfApp.Run([command, option, value], output, error, TestContext.Current.CancellationToken));
        Assert.Contains(option, error.ToString(), StringComparison.Ordinal);
    }
}
