using System.Text.Json;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>Every counter-example that was ever found, in every setup that matters.</summary>
public sealed class CorpusTests
{
    private static readonly string s_folder = DataFolders.Corpus;

    public static TheoryData<string> Cases => [.. Directory.EnumerateDirectories(s_folder).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    /// <summary>The schedule and the fault plan that the case was found with, if it needs them: <c>setup.json</c> and <c>faults.json</c>.</summary>
    private static EngineSetup? WithFaults(string name)
    {
        string setup = Path.Combine(s_folder, name, "setup.json");
        if (!File.Exists(setup)) return null;
        using var json = JsonDocument.Parse(File.ReadAllText(setup));
        JsonElement e = json.RootElement;
        return new EngineSetup(
            OffloadMode.Nic,
            CacheOn: e.GetProperty("cache").GetBoolean(),
            BatchSize: e.GetProperty("batch").GetInt32(),
            NicProfile: e.GetProperty("profile").GetString(),
            Faults: FaultPlan.Load(Path.Combine(s_folder, name, "faults.json")),
            ScheduleSeed: e.GetProperty("schedule").GetUInt64(),
            QuietMs: e.GetProperty("quiet_ms").GetInt32());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_found_case_stays_fixed(string name)
    {
        FuzzCase @case = CaseDirectory.Read(Path.Combine(s_folder, name));
        RunResult want = ReferenceRun.Play(@case);
        RunResult plain = EngineRun.Play(@case, new EngineSetup(CacheOn: false, BatchSize: 1));
        List<string> faults = [];

        // No NIC checks sequence numbers.
        OffloadMode[] modes = @case.ChecksSequence ? [OffloadMode.None, OffloadMode.Soft] : [OffloadMode.None, OffloadMode.Soft, OffloadMode.Nic];
        foreach (OffloadMode offload in modes)
        {
            foreach (int batchSize in (int[])[1, 2, 7, 11, 14, 27, 32])
            {
                foreach (bool cacheOn in (bool[])[true, false])
                {
                    var setup = new EngineSetup(offload, cacheOn, batchSize);
                    RunResult got = EngineRun.Play(@case, setup);
                    List<string> found =
                    [
                        .. RunComparison.Differences(@case, want, got), .. RunComparison.Differences(@case, plain, got, withConnectionCounters: true),
                    ];
                    if (found.Count > 0) faults.Add($"{setup}: {string.Join('\n', found)}");
                }
            }
        }

        if (WithFaults(name) is { } faulty)
        {
            RunResult quiet = EngineRun.Play(@case, new EngineSetup(CacheOn: false, BatchSize: 1, QuietMs: faulty.QuietMs));
            IReadOnlyList<string> found = RunComparison.Differences(@case, quiet, EngineRun.Play(@case, faulty), withConnectionCounters: true);
            if (found.Count > 0) faults.Add($"{faulty}: {string.Join('\n', found)}");
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults.Take(3)));
    }
}
