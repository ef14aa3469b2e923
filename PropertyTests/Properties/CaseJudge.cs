using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Judges runs of generated cases and keeps statistics. A case that fails is shrunk, written down as a directory for <c>mergeflow replay</c>, and
/// fails the test with the first differences.
/// </summary>
internal sealed class CaseJudge
{
    /// <summary>Where failing cases are written: <c>MERGEFLOW_FUZZ_OUT</c>, or a folder beside the tests.</summary>
    private static readonly string s_outFolder =
        Environment.GetEnvironmentVariable("MERGEFLOW_FUZZ_OUT") ?? Path.Combine(AppContext.BaseDirectory, "counterexamples");

    private const int ShrinkTries = 4000;

    /// <summary>What was generated and what became of it, over all cases.</summary>
    public RunStatistics Statistics { get; } = new();

    /// <summary>Fails the test if <paramref name="faults"/> finds any in the case.</summary>
    public void Check(FuzzCase @case, string property, Func<FuzzCase, IReadOnlyList<string>> faults)
    {
        Statistics.Add("cases");
        IReadOnlyList<string> found = faults(@case);
        if (found.Count == 0) return;
        FuzzCase small = CaseShrinker.Shrink(@case, c => faults(c).Count > 0, ShrinkTries);
        string directory = Path.Combine(s_outFolder, $"{property}_{@case.Name}");
        CaseDirectory.Write(small with { Name = $"{property}_{@case.Name}" }, directory);
        Assert.Fail(
            $"{property}, {@case}; shrunk to {small}\nmergeflow replay --case {directory} --out -\n{string.Join('\n', small.Flows)}\n{string.Join('\n', faults(small))}");
    }

    /// <summary>The engine, however it is set up, does what the reference does.</summary>
    public void CheckAgainstReference(FuzzCase @case, string property, params IReadOnlyList<EngineSetup> setups)
    {
        Check(@case, property, c =>
        {
            RunResult want = ReferenceRun.Play(c);
            Statistics.AddAll(want.Statistics);
            foreach (EngineSetup setup in setups)
            {
                RunResult got = Run(c, setup, out string? crash);
                if (crash is not null) return [$"{setup}: {crash}"];
                Statistics.AddAll(got.Statistics);
                IReadOnlyList<string> faults = RunComparison.Differences(c, want, got);
                if (faults.Count > 0) return [$"{setup}:", .. faults];
            }

            return [];
        });
    }

    /// <summary>However the engine is set up, it does what it does as in <paramref name="plain"/>, connection counters included.</summary>
    public void CheckAgainstPlain(FuzzCase @case, string property, EngineSetup plain, params IReadOnlyList<EngineSetup> setups)
        => CheckAgainstPlain(@case, property, plain, evenIfAmbiguous: false, setups);

    /// <summary>The same; with <paramref name="evenIfAmbiguous"/> also where the reference would not be sure or does not know an action.</summary>
    public void CheckAgainstPlain(FuzzCase @case, string property, EngineSetup plain, bool evenIfAmbiguous, params IReadOnlyList<EngineSetup> setups)
    {
        Check(@case, property, c =>
        {
            RunResult want = Run(c, plain, out string? plainCrash);
            if (plainCrash is not null) return [$"{plain}: {plainCrash}"];
            foreach (EngineSetup setup in setups)
            {
                RunResult got = Run(c, setup, out string? crash);
                if (crash is not null) return [$"{setup}: {crash}"];
                Statistics.AddAll(got.Statistics);
                Statistics.Add("packets", c.Events.Count(e => e.Op == FuzzOp.Packet));
                IReadOnlyList<string> faults = RunComparison.Differences(c, want, got, withConnectionCounters: true);

                // Shrinking may lead to a case in which Open vSwitch itself would not be sure.
                if (faults.Count > 0 && (evenIfAmbiguous || ReferenceRun.Play(c).Ambiguity is null)) return [$"{setup}:", .. faults];
            }

            return [];
        });
    }

    private static RunResult Run(FuzzCase @case, EngineSetup setup, out string? crash)
    {
        crash = null;
        try
        {
            return EngineRun.Play(@case, setup);
        }
        catch (Exception e) when (e is not (Engine.OpenFlow.FlowModException or Engine.Text.FlowTextException))
        {
            crash = e.ToString();
            return new RunResult { Outputs = [], Rules = new Dictionary<ulong, (ulong, ulong)>(), Connections = new Dictionary<string, long>() };
        }
    }
}
