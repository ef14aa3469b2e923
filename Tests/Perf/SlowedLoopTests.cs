using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// From a clock to an exit code: a loop that was made slower is a regression, the same loop is the same. The clock is counted, and as uneven as
/// that of a machine with other work: each run by some percent, one try in five interrupted for long.
/// </summary>
public sealed class SlowedLoopTests
{
    private const int Runs = 9;
    private const int Packets = 20_000;
    private const int Seed = 2011;
    private const double UnevenPercent = 15;
    private const string ThresholdPercent = "40";

    [Fact]
    public void A_loop_that_was_made_slower_is_caught()
    {
        (ResultsFile before, ResultsFile after) = Measure(workBefore: 20, workAfter: 60);
        (int code, string text) = Compare(before, after);
        Assert.Equal(PerfExitCode.Failed, code);
        Assert.Contains("REGRESSION", text);
        Assert.Equal(2, text.Split($"(n={Runs})").Length - 1);
    }

    [Fact]
    public void The_same_loop_is_the_same()
    {
        (ResultsFile before, ResultsFile after) = Measure(workBefore: 20, workAfter: 20);
        (int code, string text) = Compare(before, after);
        Assert.Equal(PerfExitCode.Ok, code);
        Assert.Contains("same or better", text);
    }

    [Fact]
    public void A_loop_that_was_made_faster_is_no_regression()
    {
        (ResultsFile before, ResultsFile after) = Measure(workBefore: 60, workAfter: 20);
        Assert.Equal(PerfExitCode.Ok, Compare(before, after).Code);
    }

    private static (int Code, string Text) Compare(ResultsFile before, ResultsFile after)
    {
        using TemporaryFolder folder = new();
        folder.Write("a.json", ResultsJson.Write(before));
        folder.Write("b.json", ResultsJson.Write(after));
        using StringWriter output = new();
        int code = PerfApp.Run(["compare", folder["a.json"], folder["b.json"], "--threshold", ThresholdPercent], output, TextWriter.Null, TestContext.Current.CancellationToken);
        return (code, output.ToString());
    }

    /// <summary>In turn, so that what else the machine does falls on both sides.</summary>
    private static (ResultsFile Before, ResultsFile After) Measure(int workBefore, int workAfter)
    {
        double[] before = new double[Runs];
        double[] after = new double[Runs];
        var random = new Random(Seed);
        for (int i = 0; i < Runs; i++) (before[i], after[i]) = (Run(workBefore, random), Run(workAfter, random));
        return (SampleResults.File(SampleResults.Row("loop", before)), SampleResults.File(SampleResults.Row("loop", after)));
    }

    /// <summary>Cycles per packet of a loop with so many dependent steps per packet: the least of a few tries, as interruptions only add.</summary>
    private static double Run(int work, Random random)
    {
        var clock = new CountedClock(1);
        double least = double.MaxValue;
        double tick = 1 + (UnevenPercent / 100 * random.NextDouble());
        for (int attempt = 0; attempt < 5; attempt++)
        {
            ulong start = clock.Read();
            for (int i = 0; i < Packets; i++) clock.Pass((ulong)(100 * work * tick));
            if (random.Next(5) == 0) clock.Pass((ulong)random.NextInt64(100L * work * Packets * 10));
            least = Math.Min(least, (double)(clock.Read() - start) / Packets);
        }

        return least;
    }
}
