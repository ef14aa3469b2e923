using System.Diagnostics;
using System.Globalization;
using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Mutated frames, as many as <c>MERGEFLOW_FRAMES</c> says (20,000 without it), with seeds from <c>MERGEFLOW_FUZZ_SEED</c> on: both parsers, then the
/// whole datapath without offload, with the soft device and with a NIC, all in memory whose tailroom ends at a page that cannot be touched and holds
/// other bytes for each packet. Nothing faults or throws, parsers agree, and whatever offloads does what software does.
/// </summary>
public sealed class MutatedFrameRun(ITestOutputHelper output)
{
    private const int DefaultFrames = 20_000;
    private const int DefaultSeed = 1;

    private static readonly EngineSetup s_plain = new(CacheOn: false, BatchSize: 1, Guarded: true);

    private readonly RunStatistics _statistics = new();

    [Fact]
    public void Malformed_frames_do_no_harm()
    {
        long frames = Number("MERGEFLOW_FRAMES", DefaultFrames);
        int first = Number("MERGEFLOW_FUZZ_SEED", DefaultSeed);
        long perBlock = Math.Clamp(frames / 60, 300, 5000);
        IReadOnlyList<FuzzCase> sources = FrameSources.All();
        var watch = Stopwatch.StartNew();
        using var parsers = new ParserPair();
        var judge = new CaseJudge();
        int seed = first;
        for (long done = 0; done < frames; seed++)
        {
            // Should the process die, this says where.
            if (Environment.GetEnvironmentVariable("MERGEFLOW_FUZZ_OUT") is { } folder) File.WriteAllText(Path.Combine(folder, "frames.seed"), $"{seed}\n");
            FuzzCase @case = Block(sources, seed, parsers, (int)Math.Min(perBlock, frames - done), out int mutated);
            done += mutated;
            judge.CheckAgainstPlain(@case, "frames", s_plain, evenIfAmbiguous: true, Setups(seed, @case.ChecksSequence));
        }

        output.WriteLine($"seeds {first}..{seed - 1}: {_statistics["frames"]} mutated frames, {_statistics["unchanged frames"]} unchanged ones between them, through 2 parsers and 3 datapaths in {watch.Elapsed.TotalSeconds:F0} s");
        output.WriteLine(_statistics.Report("frames"));
        output.WriteLine(judge.Statistics.Report("packets"));
        Assert.True(judge.Statistics["offloaded packets"] > 0, "nothing was offloaded");
    }

    /// <summary>A NIC does not check sequence numbers: where they are checked, the soft device is asked twice.</summary>
    private static EngineSetup[] Setups(int seed, bool checksSequence) =>
    [
        new EngineSetup(OffloadMode.Soft, CacheOn: seed % 2 == 0, BatchSize: 1 + (seed % 32), Guarded: true),
        checksSequence
            ? new EngineSetup(OffloadMode.Soft, CacheOn: seed % 2 != 0, BatchSize: 32, Capacity: 3, Guarded: true)
            : new EngineSetup(OffloadMode.Nic, CacheOn: seed % 2 != 0, BatchSize: 1 + (seed % 31), NicProfile: TransparencyProperties.Profiles[seed % TransparencyProperties.Profiles.Length], Guarded: true),
    ];

    /// <summary>A source's events from some point on, with mutated frames between them.</summary>
    private FuzzCase Block(IReadOnlyList<FuzzCase> sources, int seed, ParserPair parsers, int frames, out int mutated)
    {
        var chance = new Chance(seed);
        var mutator = new FrameMutator(chance);
        FuzzCase source = sources[seed % sources.Count];
        List<FuzzEvent> events = [];
        mutated = 0;
        int at = chance.OneIn(3) ? 0 : chance.Below(source.Events.Count);
        long startMs = source.Events[at].TimeMs;
        for (int i = 0; mutated < frames && i < 2 * frames; i++)
        {
            FuzzEvent e = source.Events[(at + i) % source.Events.Count];
            e = e with { TimeMs = at + i < source.Events.Count ? e.TimeMs - startMs : events[^1].TimeMs };
            if (e.Op != FuzzOp.Packet)
            {
                events.Add(e);
                continue;
            }

            if (e.Frame.Length > FrameMutator.MaxBytes) continue;
            events.Add(e);
            _statistics.Add("unchanged frames");
            FuzzCase otherSource = chance.OneIn(2) ? source : chance.Of(sources);
            byte[] other = chance.Of(otherSource.Events).Frame;
            for (int n = chance.Weighted((2, 0), (5, 1), (3, 2), (3, 6)); n > 0 && mutated < frames; n--)
            {
                byte[] frame = mutator.Mutate(e.Frame, other, out int kind);
                parsers.Parse(frame, (byte)chance.Below(256));
                events.Add(e with { Frame = frame });
                mutated++;
                _statistics.Add("frames");
                _statistics.Add($"first of all {FrameMutator.Kinds[kind]}");
            }
        }

        return source with { Name = $"{source.Name}_{seed}", Events = events, ChecksSequence = source.ChecksSequence && seed % 3 == 0 };
    }

    private static int Number(string variable, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : otherwise;
}
