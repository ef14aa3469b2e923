using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

public sealed class RateTests
{
    [Fact]
    public void Percentiles_are_right_to_two_percent()
    {
        var histogram = new LatencyHistogram();
        var random = new Random(1);
        ulong[] values = [.. Enumerable.Range(0, 50_000).Select(_ => (ulong)Math.Exp(random.NextDouble() * 25))];
        foreach (ulong v in values) histogram.Add(v);
        Array.Sort(values);
        foreach (double part in new[] { 0.001, 0.5, 0.9, 0.99, 0.999, 1 })
        {
            ulong exact = values[(int)Math.Ceiling(part * values.Length) - 1];
            Assert.InRange((double)histogram.Percentile(part), exact, exact * 1.017);
        }

        Assert.Equal(values[^1], histogram.Max);
        histogram.Clear();
        Assert.Equal((0UL, 0UL), (histogram.Count, histogram.Percentile(0.5)));
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(63UL)]
    [InlineData(64UL)]
    [InlineData(ulong.MaxValue)]
    public void Extreme_values_have_a_bucket(ulong value)
    {
        var histogram = new LatencyHistogram();
        histogram.Add(value);
        Assert.Equal(value, histogram.Percentile(1));
    }

    [Theory]
    [InlineData(0.0, 7e6)]
    [InlineData(0.1, 7.777e6)]
    [InlineData(0.9, 10e6)]
    public void The_search_finds_the_rate(double maxLoss, double expected)
    {
        // A device that forwards 7 Mpps and drops the rest.
        var search = new RateSearch(rate => new RateTrial(rate, (ulong)rate, (ulong)Math.Max(0, rate - 7e6), 1), precision: 0.005);
        Assert.InRange(search.Find(10e6, maxLoss).PacketsPerSecond, expected - 50_001, expected);
        Assert.InRange(search.TrialCount, 1, 12);
    }

    [Fact]
    public void A_loss_of_a_disturbed_trial_is_not_believed()
    {
        int n = 0;
        var search = new RateSearch(rate => n++ == 0 ? new RateTrial(rate, 100, 50, 0.5) : new RateTrial(rate, 100, 0, 1));
        Assert.Equal(1e6, search.Find(1e6, 0).PacketsPerSecond);
    }

    [Theory]
    [InlineData("cps_tcp")]
    [InlineData("cps_udp_snat")]
    public void Whole_connections_are_forwarded(string name)
    {
        Workload whole = ConnectionLifecycle.Make(name);
        int block = 64 * (whole.Frames.Count / whole.ConnectionCount);
        Workload part = whole with { Frames = [.. whole.Frames.Take(block)], ConnectionCount = 64 };
        FirstPass pass = FirstPass.Run(part, new BenchSettings(), tcpSeqChk: true, TestContext.Current.CancellationToken);
        Assert.Equal(block, pass.Output.Count);
    }

    [Fact]
    public void The_optimum_is_the_share_of_the_most_frequent_flows()
    {
        byte[][] frames = [[1], [1], [1], [2], [2], [3]];
        Assert.Equal(50, TableSweep.Optimum(frames, 1));
        Assert.Equal(100.0 * 5 / 6, TableSweep.Optimum(frames, 2), 9);
        Assert.Equal(100, TableSweep.Optimum(frames, 9));
    }
}
