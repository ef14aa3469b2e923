using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

public sealed class ScenarioNameTests
{
    [Theory]
    [InlineData("s1_uni", "s1_uni", true, true, false)]
    [InlineData("S2_1k_uni_emc0", "s2_1k_uni", false, true, false)]
    [InlineData("S4_udp_10k_uni_sw", "s4_udp_10k_uni", true, false, false)]
    [InlineData("s3_k20", "s3_k20_uni", true, true, false)]
    [InlineData("S1_replay", "s1_uni", true, true, false)]
    [InlineData("S6_newconn_udp_snat", "s6_snat", true, true, true)]
    [InlineData("S7_upcall", "s7", true, true, true)]
    public void The_peers_names_are_understood(string name, string workload, bool cacheOn, bool checksums, bool oneShot)
    {
        ScenarioName parsed = ScenarioName.Parse(name);
        Assert.Equal((workload, cacheOn, checksums, oneShot), (parsed.Workload, parsed.CacheOn, parsed.HardwareChecksums, parsed.OneShot));
    }

    [Theory]
    [InlineData("s9")]
    [InlineData("")]
    [InlineData("s4_udp_10k_uni_xyz")]
    public void An_unknown_name_is_a_usage_error(string name)
        => Assert.Equal(PerfExitCode.Usage, Assert.Throws<PerfException>(() => ScenarioName.Parse(name)).ExitCode);

    [Fact]
    public void Patterns_expand()
    {
        Assert.Equal(["s6_udp", "s6_tcp", "s6_snat"], ScenarioName.Expand("S6*"));
        Assert.Throws<PerfException>(() => ScenarioName.Expand("x*"));
    }

    [Fact]
    public void Every_row_of_the_default_suite_exists_and_is_explained()
    {
        IReadOnlyList<ScenarioSpec> suite = DefaultSuite.Make(new BenchSettings());
        Assert.All(suite, s => Assert.NotEqual("", DefaultSuite.About(s.Name)));
        Assert.Equal(suite.Count, suite.Select(s => s.Title).Distinct().Count());
        Assert.InRange(suite.Sum(s => s.PlannedSeconds), 1, 80);
    }
}
