using System.Collections.Concurrent;
using System.Text.Json;
using Mergeflow.Cli;

namespace Mergeflow.Tests;

/// <summary>Replays a case in process, through the code that the command line runs, and judges the bytes it would have written.</summary>
internal static class ConformanceRun
{
    private const int EventsPerChange = 10;

    private static readonly ConcurrentDictionary<(string Case, Quirks Quirks), JsonElement> s_uncheckedFinals = new();

    /// <summary>The output file of a replay.</summary>
    public static byte[] Replay(string caseName, OffloadMode offload, bool cacheOn = true, int batchSize = 32, ulong seed = 0, string? profile = null, Quirks? quirks = null)
    {
        ReplayArguments arguments = ReplayArguments.FromCase(CaseFiles.Load(caseName).Directory) with
        {
            Offload = offload,
            NicProfile = profile,
            CacheOn = cacheOn,
            BatchSize = batchSize,
            Seed = seed,
            Quirks = quirks ?? Quirks.Ovs31,
            PmdCount = PmdSpread.Count,
            RssIsSymmetric = PmdSpread.IsSymmetric,
        };
        return Replay(arguments);
    }

    public static byte[] Replay(ReplayArguments arguments)
    {
        using MemoryStream output = new();
        ReplaySession.Run(arguments, output);
        return output.ToArray();
    }

    /// <summary>
    /// The same with a change of the tables that changes nothing before every tenth event.
    /// </summary>
    /// <param name="change">Takes the switch; the event is next.</param>
    public static byte[] ReplayWithChanges(string caseName, OffloadMode offload, bool cacheOn, int batchSize, Action<Simulator> change)
    {
        using MemoryStream output = new();
        ReplayArguments arguments = ReplayArguments.FromCase(CaseFiles.Load(caseName).Directory) with
        {
            Offload = offload,
            CacheOn = cacheOn,
            BatchSize = batchSize,
            PmdCount = PmdSpread.Count,
            RssIsSymmetric = PmdSpread.IsSymmetric,
        };
        int count = 0;
        ReplaySession.Run(arguments, output, beforeEvent: s =>
        {
            if (++count % EventsPerChange == 0) change(s);
        });
        return output.ToArray();
    }

    /// <summary>What the run of <paramref name="caseName"/> has to equal: no NIC checks sequence numbers, so its answer is the one recorded without.</summary>
    public static ConformanceCase AnswerFor(string caseName, OffloadMode offload)
    {
        string relaxed = caseName + CaseFiles.NoSeqSuffix;
        return CaseFiles.Load(offload == OffloadMode.Nic && CaseFiles.Exists(relaxed) ? relaxed : caseName);
    }

    /// <summary>
    /// Judges the output of <paramref name="caseName"/>. Without sequence checks connections can be in other states although every packet
    /// fares the same; where no such answer was recorded, a NIC's connections are compared with those of software without the checks.
    /// </summary>
    public static List<string> Judge(string caseName, OffloadMode offload, byte[] output, Quirks? quirks = null)
    {
        ConformanceCase answer = AnswerFor(caseName, offload);
        bool isRelaxed = offload == OffloadMode.Nic && answer.ChecksTcpSequence;
        JsonElement? software = isRelaxed ? s_uncheckedFinals.GetOrAdd((caseName, quirks ?? Quirks.Ovs31), ReplayWithoutChecks) : null;
        ReplayedOutput got = Parse(output);
        return ConformanceJudge.Judge(answer, got, software);
    }

    /// <summary>A number of the <c>final</c> line.</summary>
    public static long FinalNumber(byte[] output, string member) =>
        Parse(output).Final is JsonElement final ? final.GetProperty(member).GetInt64() : -1;

    public static ReplayedOutput Parse(byte[] output) => ReplayedOutput.Parse(new MemoryStream(output));

    private static JsonElement ReplayWithoutChecks((string Case, Quirks Quirks) run)
    {
        ReplayArguments arguments = ReplayArguments.FromCase(CaseFiles.Load(run.Case).Directory) with { Quirks = run.Quirks };
        return Parse(Replay(arguments with { Config = arguments.Config with { TcpSeqChk = false } })).Final!.Value;
    }
}
