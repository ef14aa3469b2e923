using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Trains of frames, mutated together, as many frames as <c>MERGEFLOW_TRAIN_FRAMES</c> says (300,000 without it), with seeds from
/// <c>MERGEFLOW_FUZZ_SEED</c> on: whole datagrams in fragments, conversations, dialogues of gateways, tunnels, errors about all of them, in memory that ends at
/// pages that cannot be touched. Nothing faults or throws, whatever offloads does what software does, the books balance, and nothing stays on hold.
/// </summary>
public sealed class TrainRun(ITestOutputHelper output)
{
    private const int DefaultFrames = 300_000;
    private const int DefaultSeed = 1;
    private const int FramesPerCase = 1500;

    /// <summary>Trains that are on their way at the same time.</summary>
    private const int Lanes = 4;

    private readonly RunStatistics _statistics = new();

    [Fact]
    public void Mutated_trains_do_no_harm()
    {
        long frames = Number("MERGEFLOW_TRAIN_FRAMES", DefaultFrames);
        int first = Number("MERGEFLOW_FUZZ_SEED", DefaultSeed);
        var watch = Stopwatch.StartNew();
        var judge = new CaseJudge();
        int seed = first;
        for (long done = 0; done < frames; seed++)
        {
            // Should the process die, this says where.
            if (Environment.GetEnvironmentVariable("MERGEFLOW_FUZZ_OUT") is { } folder)
                File.WriteAllText(Path.Combine(folder, "trains.seed"), $"{seed} after {done} frames, {watch.Elapsed.TotalSeconds:F0} s\n");
            bool repeatsOvs31 = seed % 4 == 3;
            FuzzCase @case = Case(seed, (int)Math.Min(FramesPerCase, frames - done));
            done += @case.Events.Count;
            judge.CheckAgainstPlain(
                @case,
                "trains",
                new EngineSetup(CacheOn: false, BatchSize: 1, Guarded: true, RepeatsOvs31: repeatsOvs31),
                evenIfAmbiguous: true,
                Setups(seed, @case.ChecksSequence, repeatsOvs31));
        }

        output.WriteLine($"seeds {first}..{seed - 1}: {_statistics["frames"]} frames in {_statistics["trains"]} trains, each through 3 datapaths, in {watch.Elapsed.TotalSeconds:F0} s");
        output.WriteLine(_statistics.Report("trains"));
        output.WriteLine(judge.Statistics.Report("packets"));
        Assert.True(judge.Statistics["datagrams reassembled"] > frames / 100, "hardly a datagram became complete");
        Assert.True(judge.Statistics["offloaded packets"] > frames / 100, "hardly anything was offloaded");
    }

    private static EngineSetup[] Setups(int seed, bool checksSequence, bool repeatsOvs31) =>
    [
        new EngineSetup(OffloadMode.Soft, CacheOn: seed % 2 == 0, BatchSize: 1 + (seed % 32), Guarded: true, RepeatsOvs31: repeatsOvs31),
        checksSequence
            ? new EngineSetup(OffloadMode.Soft, CacheOn: seed % 2 != 0, BatchSize: 32, Capacity: 3, Guarded: true, RepeatsOvs31: repeatsOvs31)
            : new EngineSetup(OffloadMode.Nic, CacheOn: seed % 2 != 0, BatchSize: 1 + (seed % 31), NicProfile: TransparencyProperties.Profiles[seed % TransparencyProperties.Profiles.Length], Guarded: true, RepeatsOvs31: repeatsOvs31),
    ];

    /// <summary>Trains on a few lanes, one frame of a lane at a time.</summary>
    private FuzzCase Case(int seed, int frames)
    {
        var chance = new Chance(seed);
        var generator = new TrainGenerator(chance);
        var mutator = new TrainMutator(chance, new FrameMutator(chance));
        FuzzCase pipeline = TrainPipelines.All[seed % TrainPipelines.All.Count];
        List<FuzzEvent> events = [];
        var lanes = new Queue<TrainFrame>[Lanes];
        for (int i = 0; i < Lanes; i++) lanes[i] = new();
        List<TrainFrame> last = [];
        long nowMs = 0;
        while (events.Count < frames)
        {
            Queue<TrainFrame> lane = chance.Of(lanes);
            if (lane.Count == 0)
            {
                List<TrainFrame> train = generator.Make(out int kind);
                _statistics.Add("trains");
                _statistics.Add($"of {TrainGenerator.Kinds[kind]}");
                foreach (TrainFrame f in mutator.Mutate(train, last, _statistics)) lane.Enqueue(f);
                last = train;
                continue;
            }

            for (int run = 1 + chance.Below(6); run > 0 && lane.Count > 0 && events.Count < frames; run--)
            {
                TrainFrame frame = lane.Dequeue();
                if (frame.Frame.Length > FrameMutator.MaxBytes) continue;
                nowMs += frame.AfterMs + (chance.OneIn(20) ? 1 : 0);
                events.Add(new FuzzEvent(nowMs, FuzzOp.Packet) { Port = frame.Port, Frame = frame.Frame });
                _statistics.Add("frames");
                if (FragmentCutter.IsFragment(frame.Frame)) _statistics.Add("fragments");
            }
        }

        return pipeline with
        {
            Name = $"{pipeline.Name}_{seed}",
            Events = events,
            ChecksSequence = seed % 3 == 0,
            MinFragmentBytes = chance.Weighted((6, (20, 40)), (3, (28, 56)), (1, (60, 80)), (1, (400, 500)), (1, (1200, 1280))),
        };
    }

    private static int Number(string variable, int otherwise)
        => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : otherwise;
}
