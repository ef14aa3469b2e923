using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>From a clock to an exit code: a loop that was made slower is a regression, the same loop is the same. Other tests would be noise.</summary>
[Collection("Alone")]
public sealed class SlowedLoopTests
{
    private const int Runs = 9;
    private const int Packets = 20_000;
    private const string ThresholdPercent = "40";

    [Fact]
    public void ALoopThatWasMadeSlowerIsCaught()
    {
        (ResultsFile before, ResultsFile after) = Measure(workBefore: 20, workAfter: 60);
        (int code, string text) = Compare(before, after);
        Assert.Equal(PerfExitCode.Failed, code);
        Assert.Contains("REGRESSION", text);
        Assert.Equal(2, text.Split($"(n={Runs})").Length - 1);
    }

    [Fact]
    public void TheSameLoopIsTheSame()
    {
        (ResultsFile before, ResultsFile after) = Measure(workBefore: 20, workAfter: 20);
        (int code, string text) = Compare(before, after);
        Assert.Equal(PerfExitCode.Ok, code);
        Assert.Contains("same or better", text);
    }

    [Fact]
    public void ALoopThatWasMadeFasterIsNoRegression()
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
        _ = (Run(workBefore), Run(workAfter));
        for (int i = 0; i < Runs; i++) (before[i], after[i]) = (Run(workBefore), Run(workAfter));
        return (SampleResults.File(SampleResults.Row("loop", before)), SampleResults.File(SampleResults.Row("loop", after)));
    }

    /// <summary>Cycles per packet of a loop with so many dependent steps per packet: the least of a few tries, as interruptions only add.</summary>
    private static double Run(int work)
    {
        double least = double.MaxValue;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            ulong start = TscClock.Now;
            ulong x = start | 1;
            for (int i = 0; i < Packets * work; i++) x = (x * 6364136223846793005UL) + 1442695040888963407UL;
            ulong took = TscClock.Now - start;
            Assert.NotEqual(0UL, x | 1);
            least = Math.Min(least, (double)took / Packets);
        }

        return least;
    }
}
