using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// The whole-switch comparison of as many cases as <c>MERGEFLOW_FUZZ_CASES</c> says, with seeds from <c>MERGEFLOW_FUZZ_SEED</c> on. With
/// <c>MERGEFLOW_FUZZ_SECONDS</c> it goes on until the time is up as well.
/// </summary>
public sealed class FuzzRun(ITestOutputHelper output)
{
    private const int DefaultCases = 160;
    private const int DefaultSeed = 1;

    private static readonly EngineSetup[] s_setups =
    [
        new(OffloadMode.None, CacheOn: true, BatchSize: 32),
        new(OffloadMode.None, CacheOn: false, BatchSize: 1),
        new(OffloadMode.Soft, CacheOn: true, BatchSize: 1),
        new(OffloadMode.Soft, CacheOn: true, BatchSize: 7, Capacity: 3),
        new(OffloadMode.Soft, CacheOn: false, BatchSize: 32),
        new(OffloadMode.Nic, CacheOn: true, BatchSize: 1),
        new(OffloadMode.Nic, CacheOn: false, BatchSize: 32, NicProfile: "tiny"),
        new(OffloadMode.None, Shipped: true),
        new(OffloadMode.Soft, Shipped: true),
        new(OffloadMode.Nic, Shipped: true),
        new(OffloadMode.None, BatchSize: 32, Pmds: 2),
        new(OffloadMode.Soft, BatchSize: 32, Pmds: 4, Asymmetric: true),
        new(OffloadMode.Nic, BatchSize: 8, Pmds: 2, Asymmetric: true),
    ];

    [Fact]
    public void Engine_is_the_reference_for_long()
    {
        int seconds = Number("MERGEFLOW_FUZZ_SECONDS", 0);
        int cases = Number("MERGEFLOW_FUZZ_CASES", DefaultCases);
        int first = Number("MERGEFLOW_FUZZ_SEED", DefaultSeed);
        var judge = new CaseJudge();
        var watch = Stopwatch.StartNew();
        int seed = first;
        for (; seed - first < cases || watch.Elapsed.TotalSeconds < seconds; seed++)
        {
            EngineSetup setup = s_setups[seed % s_setups.Length];
            FuzzCase @case = CaseGenerator.Make(seed, 40 + (seed % 300), conntrack: seed % 5 != 0, checksSequence: setup.Offload != OffloadMode.Nic);
            judge.CheckAgainstReference(@case, "fuzz", setup);
        }

        output.WriteLine($"seeds {first}..{seed - 1}, {judge.Statistics["packets"]} packets generated in {watch.Elapsed.TotalSeconds:F0} s");
        output.WriteLine(judge.Statistics.Report("packets"));
    }

    private static int Number(string variable, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : otherwise;
}
