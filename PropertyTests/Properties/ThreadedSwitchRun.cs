using System.Globalization;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// The switch on real threads beside one without offload: a packet thread that changes tables, ports and connections between its batches, an offload thread
/// and an aging thread of their own. The same events at the same times: every packet leaves as without offload, no revoked rule is in use behind an
/// acknowledgement, and the books balance. As many cases as <c>MERGEFLOW_THREADS_CASES</c> says (40), seeds from <c>MERGEFLOW_THREADS_SEED</c> on.
/// </summary>
public sealed class ThreadedSwitchRun(ITestOutputHelper output)
{
    private const int DefaultCases = 40;

    /// <summary>Small tables fill up and evict, so slots are reused under packets.</summary>
    private static readonly int[] s_capacities = [2, 7, 65_536];

    [Fact]
    public void Nobody_sees_the_offload_on_threads()
    {
        int cases = Number("MERGEFLOW_THREADS_CASES", DefaultCases);
        int first = Number("MERGEFLOW_THREADS_SEED", 1);
        var total = new RunStatistics();
        for (int seed = first; seed < first + cases; seed++)
        {
            FuzzCase @case = CaseGenerator.Make(seed, 150 + (seed % 250), checksSequence: false);
            RunResult want = EngineRun.Play(@case, new EngineSetup(CacheOn: false, BatchSize: 1));
            foreach (EngineSetup setup in Setups(seed))
            {
                RunResult got = EngineRun.Play(@case, setup);
                total.AddAll(got.Statistics);
                total.Add("packets", @case.Events.Count(static e => e.Op == FuzzOp.Packet));
                total.Add("changes", @case.Events.Count(static e => e.Op is not FuzzOp.Packet and not FuzzOp.Tick));
                IReadOnlyList<string> faults = RunComparison.Differences(@case, want, got, withConnectionCounters: true);
                Assert.True(faults.Count == 0, $"MERGEFLOW_THREADS_SEED={seed} {setup}\n{string.Join('\n', faults)}");
            }
        }

        output.WriteLine($"seeds {first}..{first + cases - 1}");
        output.WriteLine(total.Report("packets"));
        Assert.True(total["offloaded packets"] > cases, $"only {total["offloaded packets"]} packets took a merged rule");
    }

    private static IEnumerable<EngineSetup> Setups(int seed)
    {
        ulong schedule = 1 + (ulong)seed;
        yield return new EngineSetup(OffloadMode.Soft, BatchSize: 1 + (seed % 32), Capacity: s_capacities[seed % 3], ScheduleSeed: schedule, Apart: true, Pmds: 1 + (seed % 2), Asymmetric: seed % 4 == 3);
        yield return new EngineSetup(OffloadMode.Nic, BatchSize: 1, NicProfile: seed % 2 == 0 ? "ideal" : "tiny", ScheduleSeed: schedule, Apart: true, Pmds: 1 + (seed / 2 % 2), Asymmetric: true);
    }

    private static int Number(string variable, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : otherwise;
}
