using Xunit;

namespace Mergeflow.Tests;

/// <summary>Whatever a NIC can or cannot do, the answer is Open vSwitch's: what it cannot do stays in software.</summary>
public sealed class ConformanceProfileTests
{
    /// <summary>The last one has room for 16 exact rules and 4 wildcard rules.</summary>
    private static readonly string[] s_profiles = ["single-table-small", "no-nat", "no-tcp-flags-match", "slow-insert", "ideal", "tiny"];

    /// <summary>Case, profile, caches on, packets per batch.</summary>
    public static TheoryData<string, string, bool, int> Runs
    {
        get
        {
            TheoryData<string, string, bool, int> runs = [];
            int number = 0;
            foreach (string name in RunSample.Names(OffloadMode.Nic))
            {
                for (int i = 0; i < s_profiles.Length; i++)
                {
                    number++;
                    if (!RunSample.IsWhole && i % 3 != number / s_profiles.Length % 3) continue;
                    foreach ((bool cacheOn, int batchSize) in RunSample.Ways(number)) runs.Add(name, s_profiles[i], cacheOn, batchSize);
                }
            }

            return runs;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Answers_as_Open_vSwitch_does(string caseName, string profile, bool cacheOn, int batchSize)
    {
        byte[] output = ConformanceRun.Replay(caseName, OffloadMode.Nic, cacheOn, batchSize, profile: profile);
        RunSample.AssertNone(ConformanceRun.Judge(caseName, OffloadMode.Nic, output));
    }

    [Fact]
    public void Profiles_decide_how_much_is_in_hardware()
    {
        Dictionary<string, long> hits = s_profiles.ToDictionary(p => p, p => Hits("nat_dnat_lb", p) + Hits("ct_firewall", p) + Hits("acl", p));
        Assert.True(hits["tiny"] > 0 && hits["tiny"] < hits["ideal"], $"tiny {hits["tiny"]}, ideal {hits["ideal"]}");
        Assert.True(hits["no-nat"] < hits["ideal"], $"no-nat {hits["no-nat"]}, ideal {hits["ideal"]}");
    }

    private static long Hits(string caseName, string profile) =>
        ConformanceRun.FinalNumber(ConformanceRun.Replay(caseName, OffloadMode.Nic, profile: profile), "offload_hits");
}
