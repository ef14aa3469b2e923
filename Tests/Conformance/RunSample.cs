using Xunit;

namespace Mergeflow.Tests;

/// <summary>Which of the many combinations of cases and switches run every time: always the same ones, each case among them.</summary>
internal static class RunSample
{
    private static readonly (bool CacheOn, int BatchSize)[] s_ways = [(true, 32), (false, 1), (true, 7), (false, 32), (true, 1), (false, 7)];

    /// <summary>Cases that the runs of <paramref name="offload"/> are about.</summary>
    public static IEnumerable<string> Names(OffloadMode offload) => CaseFiles.Names.Where(n =>
        !n.Contains(CaseFiles.PurgeSuffix, StringComparison.Ordinal) && (offload == OffloadMode.Nic || !n.EndsWith(CaseFiles.NoSeqSuffix, StringComparison.Ordinal)));

    /// <summary>Caches and batch size of the <paramref name="number"/>-th run.</summary>
    public static (bool CacheOn, int BatchSize) Way(int number) => s_ways[number % s_ways.Length];

    /// <summary>Everything is to run: the environment variable <c>MERGEFLOW_ALL_COMBINATIONS</c> is set.</summary>
    public static bool IsWhole => Environment.GetEnvironmentVariable("MERGEFLOW_ALL_COMBINATIONS") is { Length: > 0 };

    /// <summary>The combinations of caches and batch size for the <paramref name="number"/>-th run: one of them, or all.</summary>
    public static IEnumerable<(bool CacheOn, int BatchSize)> Ways(int number) => IsWhole ? s_ways : [Way(number)];

    /// <summary>The offload modes for the <paramref name="number"/>-th run: one of them, or all.</summary>
    public static IEnumerable<OffloadMode> Modes(int number, params OffloadMode[] modes) => IsWhole ? modes : [modes[number % modes.Length]];

    /// <summary>Every case, with one of the modes in turn, or all.</summary>
    public static TheoryData<string, OffloadMode> InTurn(params OffloadMode[] modes)
    {
        TheoryData<string, OffloadMode> runs = [];
        int number = 0;
        foreach (string name in CaseFiles.Names)
        {
            number++;
            foreach (OffloadMode offload in Modes(number, modes)) runs.Add(name, offload);
        }

        return runs;
    }

    /// <summary>Fails with the first faults.</summary>
    public static void AssertNone(List<string> faults) =>
        Assert.True(faults.Count == 0, $"{faults.Count} faults\n{string.Join("\n", faults.Take(5))}");
}
