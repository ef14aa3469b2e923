using System.Text.Json;
using Mergeflow.Cli;
using Mergeflow.Engine;

namespace Mergeflow.Tests;

/// <summary>Replays a case in process, through the code that the command line runs, and judges the bytes it would have written.</summary>
internal static class ConformanceRun
{
    /// <summary>The output file of a replay.</summary>
    public static byte[] Replay(string caseName, OffloadMode offload, bool cacheOn = true, int batchSize = 32, ulong seed = 0, string? profile = null)
    {
        ReplayArguments arguments = ReplayArguments.FromCase(CaseFiles.Load(caseName).Directory) with
        {
            Offload = offload,
            NicProfile = profile,
            CacheOn = cacheOn,
            BatchSize = batchSize,
            Seed = seed,
        };
        return Replay(arguments);
    }

    public static byte[] Replay(ReplayArguments arguments)
    {
        using MemoryStream output = new();
        ReplaySession.Run(arguments, output);
        return output.ToArray();
    }

    /// <summary>What the run of <paramref name="caseName"/> has to equal: no NIC checks sequence numbers, so its answer is the one recorded without.</summary>
    public static ConformanceCase AnswerFor(string caseName, OffloadMode offload)
    {
        string relaxed = caseName + CaseFiles.NoSeqSuffix;
        return CaseFiles.Load(offload == OffloadMode.Nic && CaseFiles.Names.Contains(relaxed) ? relaxed : caseName);
    }

    public static List<string> Judge(ConformanceCase answer, byte[] output) =>
        ConformanceJudge.Judge(answer, ReplayedOutput.Parse(new MemoryStream(output)));

    /// <summary>A number of the <c>final</c> line.</summary>
    public static long FinalNumber(byte[] output, string member) =>
        ReplayedOutput.Parse(new MemoryStream(output)).Final is JsonElement final ? final.GetProperty(member).GetInt64() : -1;
}
