using Xunit;

namespace Mergeflow.Tests;

/// <summary>Every recorded case, whatever is switched on: the same packets, counters and connections as Open vSwitch.</summary>
public abstract class ConformanceTests(OffloadMode offload)
{
    private const int MaxShownFaults = 5;

    private static readonly int[] s_batchSizes = [1, 7, 32];

    /// <summary>Case, caches on, packets per batch.</summary>
    public static TheoryData<string, bool, int> Runs
    {
        get
        {
            TheoryData<string, bool, int> runs = [];
            foreach (string name in CaseFiles.Names)
            {
                foreach (int batchSize in s_batchSizes)
                {
                    runs.Add(name, true, batchSize);
                    runs.Add(name, false, batchSize);
                }
            }
            return runs;
        }
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Answers_as_Open_vSwitch_does(string caseName, bool cacheOn, int batchSize)
    {
        byte[] output = ConformanceRun.Replay(caseName, offload, cacheOn, batchSize);
        List<string> faults = ConformanceRun.Judge(caseName, offload, output);
        Assert.True(faults.Count == 0, $"{faults.Count} faults\n{string.Join("\n", faults.Take(MaxShownFaults))}");
    }
}
