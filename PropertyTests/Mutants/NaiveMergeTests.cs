using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// The properties of the whole switch notice each classic fault of a merge. The first case that shows the fault is shrunk and written down for
/// <c>mergeflow replay</c>.
/// </summary>
public sealed class NaiveMergeTests(ITestOutputHelper output)
{
    private const int MaxCases = 400;
    private const int ShrinkTries = 100;

    private static readonly EngineSetup s_plain = new(OffloadMode.None, CacheOn: false, BatchSize: 1);

    public static TheoryData<NaiveFault> Faults => [.. Enum.GetValues<NaiveFault>().Where(f => f != NaiveFault.None)];

    [Theory]
    [MemberData(nameof(Faults))]
    public void Every_classic_fault_is_caught(NaiveFault fault)
    {
        for (int seed = 1; seed <= MaxCases; seed++)
        {
            OffloadMode mode = seed % 2 == 0 ? OffloadMode.Soft : OffloadMode.Nic;
            var setup = new EngineSetup(mode, BatchSize: 1 + (seed % 16), ScheduleSeed: (ulong)seed, Naive: fault);
            FuzzCase @case = CaseGenerator.Make(seed, 150, checksSequence: mode != OffloadMode.Nic);
            if (Differences(@case, setup).Count == 0) continue;
            Show(CaseShrinker.Shrink(@case, c => Differences(c, setup).Count > 0, ShrinkTries) with { Name = $"naive_{fault}" }, setup, seed);
            return;
        }

        Assert.Fail($"{fault}: {MaxCases} cases did not show it");
    }

    private void Show(FuzzCase small, EngineSetup setup, int seed)
    {
        string directory = Path.Combine(AppContext.BaseDirectory, "counterexamples", small.Name);
        CaseDirectory.Write(small, directory);
        FuzzCase again = CaseDirectory.Read(directory);
        IReadOnlyList<string> faults = Differences(again, setup);
        output.WriteLine($"{setup.Naive}: case {seed}, shrunk to {small}\nmergeflow replay --case {directory} --offload {setup.Offload.ToString().ToLowerInvariant()} --out -");
        output.WriteLine(string.Join('\n', [.. small.Flows, .. faults]));
        Assert.NotEmpty(faults);
        Assert.Empty(Differences(again, setup with { Naive = NaiveFault.None }));
    }

    private static IReadOnlyList<string> Differences(FuzzCase @case, EngineSetup setup)
        => RunComparison.Differences(@case, EngineRun.Play(@case, s_plain), EngineRun.Play(@case, setup), withConnectionCounters: true);
}
