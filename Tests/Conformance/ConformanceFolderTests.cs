using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The cases of the folders that <c>MERGEFLOW_CASES</c> names, separated as in PATH; skips without it. For recordings with other seeds.</summary>
public sealed class ConformanceFolderTests(ITestOutputHelper log)
{
    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void Answers_as_Open_vSwitch_does(OffloadMode offload)
    {
        string? folders = Environment.GetEnvironmentVariable("MERGEFLOW_CASES");
        Assert.SkipWhen(string.IsNullOrEmpty(folders), "MERGEFLOW_CASES names no folder");
        List<string> failed = [];
        int runs = 0;
        foreach (string directory in folders!.Split(Path.PathSeparator).SelectMany(Directory.EnumerateDirectories).Order(StringComparer.Ordinal))
        {
            bool isRelaxed = directory.EndsWith(CaseFiles.NoSeqSuffix, StringComparison.Ordinal);
            if ((isRelaxed && offload != OffloadMode.Nic) || !File.Exists(Path.Combine(directory, "final.json.gz"))) continue;
            foreach ((bool cacheOn, int batchSize) in RunSample.Ways(runs))
            {
                runs++;
                List<string> faults = Faults(directory, offload, cacheOn, batchSize);
                if (faults.Count > 0) failed.Add($"{directory} cache={cacheOn} batch={batchSize}: {faults.Count} faults, first {faults[0]}");
            }
        }

        log.WriteLine($"{runs} runs, {failed.Count} failed");
        Assert.True(runs > 0, "no case");
        Assert.True(failed.Count == 0, string.Join("\n", failed));
    }

    /// <summary>A case that is refused does not keep the others from being judged.</summary>
    private static List<string> Faults(string directory, OffloadMode offload, bool cacheOn, int batchSize)
    {
        try
        {
            return ConformanceRun.Judge(directory, offload, ConformanceRun.Replay(directory, offload, cacheOn, batchSize));
        }
        catch (CommandFailedException e)
        {
            return ["refused: " + e.Message];
        }
    }
}
