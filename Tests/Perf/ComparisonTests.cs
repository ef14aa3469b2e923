using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

public sealed class ComparisonTests
{
    private const double Threshold = 0.05;

    [Theory]
    // The same; a little slower, within the threshold; faster.
    [InlineData(new[] { 100.0, 101, 99, 100, 100 }, new[] { 100.0, 101, 99, 100, 100 }, Verdict.SameOrBetter)]
    [InlineData(new[] { 100.0, 101, 99, 100, 100 }, new[] { 103.0, 104, 102, 103, 103 }, Verdict.SameOrBetter)]
    [InlineData(new[] { 100.0, 101, 99, 100, 100 }, new[] { 70.0, 71, 69, 70, 70 }, Verdict.SameOrBetter)]
    // Clearly slower.
    [InlineData(new[] { 100.0, 101, 99, 100, 100 }, new[] { 110.0, 111, 109, 110, 110 }, Verdict.Regression)]
    // One run that was disturbed says nothing against the others.
    [InlineData(new[] { 100.0, 101, 99, 100, 100 }, new[] { 100.0, 101, 99, 100, 300 }, Verdict.SameOrBetter)]
    // Slower on the face of it, but the quartiles overlap.
    [InlineData(new[] { 100.0, 130, 80, 120, 90 }, new[] { 110.0, 140, 85, 130, 95 }, Verdict.TooNoisy)]
    // Not slower, but it could hide a slowdown of more than the threshold.
    [InlineData(new[] { 100.0, 130, 80, 120, 90 }, new[] { 100.0, 130, 80, 120, 90 }, Verdict.TooNoisy)]
    // Noisy, yet faster beyond all noise.
    [InlineData(new[] { 100.0, 130, 80, 120, 90 }, new[] { 50.0, 55, 45, 52, 48 }, Verdict.SameOrBetter)]
    public void Verdict_by_numbers(double[] old, double[] now, Verdict expected)
    {
        Comparison c = Compare(SampleResults.Row("s1_uni", old), SampleResults.Row("s1_uni", now));
        Assert.Equal(expected, Assert.Single(c.Rows).Verdict);
        Assert.Equal(expected switch { Verdict.Regression => 1, Verdict.TooNoisy => 2, _ => 0 }, c.ExitCode);
    }

    [Fact]
    public void Behaviour_is_not_a_matter_of_noise()
    {
        ScenarioResult old = SampleResults.Row("s1_uni", 100, 130, 80) with { OutputSha256 = "a" };
        Assert.Equal(Verdict.Regression, Compare(old, old with { AllocatedBytes = 24 }).Rows[0].Verdict);
        Assert.Equal(Verdict.Regression, Compare(old, old with { TxPerRx = 0.99 }).Rows[0].Verdict);
        Assert.Equal(Verdict.Regression, Compare(old, old with { OutputSha256 = "b" }).Rows[0].Verdict);
    }

    [Fact]
    public void A_regression_outweighs_noise()
    {
        Comparison c = Comparison.Of(
            SampleResults.File(SampleResults.Row("s1_uni", 100), SampleResults.Row("s7", 100, 130, 80)),
            SampleResults.File(SampleResults.Row("s1_uni", 120), SampleResults.Row("s7", 110, 140, 85)),
            Threshold);
        Assert.Equal([Verdict.Regression, Verdict.TooNoisy], c.Rows.Select(r => r.Verdict));
        Assert.Equal(PerfExitCode.Failed, c.ExitCode);
    }

    [Fact]
    public void Rows_are_matched_by_name_mode_and_cache()
    {
        ScenarioResult row = SampleResults.Row("s1_uni", 100);
        Comparison c = Comparison.Of(SampleResults.File(row, row with { Offload = "none" }), SampleResults.File(row, row with { CacheOn = false }), Threshold);
        Assert.Equal([Verdict.SameOrBetter, Verdict.Unmatched, Verdict.Unmatched], c.Rows.Select(r => r.Verdict));
        Assert.Equal(PerfExitCode.Ok, c.ExitCode);
        PerfException e = Assert.Throws<PerfException>(() => Compare(row, SampleResults.Row("s7", 100)));
        Assert.Equal(PerfExitCode.Usage, e.ExitCode);
    }

    [Fact]
    public void Another_processor_is_pointed_out()
    {
        ResultsFile old = SampleResults.File(SampleResults.Row("s1_uni", 100));
        Comparison c = Comparison.Of(old, old with { Host = old.Host with { CpuModel = "Other" } }, Threshold);
        Assert.Contains("Other", Assert.Single(c.Notes));
    }

    private static Comparison Compare(ScenarioResult old, ScenarioResult now) => Comparison.Of(SampleResults.File(old), SampleResults.File(now), Threshold);
}
