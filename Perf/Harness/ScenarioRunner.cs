using Mergeflow.Engine;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>
/// Runs one workload on one datapath: set-up capture once, warm-up until the rate has settled, then the measured runs. The calling thread is the
/// PMD thread; receive copy, parsing, lookup, counters and transmit accounting are all inside the measured loop.
/// </summary>
public sealed class ScenarioRunner : IDisposable
{
    private const uint InPort = 1;
    private const double WindowSeconds = 0.1;
    private const double SettledRatio = 1.03;

    private readonly Workload _workload;
    private readonly BenchSettings _settings;
    private readonly Datapath _datapath;
    private readonly CaptureRxQueue _rx;
    private readonly PmdPoller _poller;
    private int _untilHousekeeping;

    /// <summary>Builds the datapath and loads frames and rules.</summary>
    /// <exception cref="FlowTextException">The rules cannot be parsed.</exception>
    public ScenarioRunner(Workload workload, BenchSettings settings)
    {
        _workload = workload;
        _settings = settings;
        int longest = Math.Max(64, workload.Frames.Concat(workload.Setup).Max(f => f.Length));
        _datapath = new Datapath(
            new DatapathOptions
            {
                Ports = [("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)],
                Offload = settings.Offload,
                NicProfile = settings.NicProfile,
                CacheOn = settings.CacheOn,
                FrameCapacityBytes = Math.Max(1536, longest),
                PacketCapacity = 1024,
                ConnectionCapacity = 262_144,
                MegaflowCapacity = 65_536,
                EmcEntryCount = ExactMatchCache.DefaultEntryCount,
            },
            sink: null);
        _datapath.ApplyFlowMods(new FlowTextParser().ParseFlows(workload.Flows), Now);
        _rx = Queue(workload.Frames, settings.OneShot ? 1 : 0);
        _poller = new PmdPoller(_datapath.Pmd, [_rx]);
    }

    private static long Now => Environment.TickCount64;

    /// <summary>Everything, start to end.</summary>
    public BenchResult Run(IProgress<string>? progress = null)
    {
        if (_settings.Cpu is int cpu) ThreadPinning.TryPin(cpu);
        _ = TscClock.FrequencyHz;
        return _settings.OneShot ? RunOneShot(progress) : RunSteady(progress);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _poller.Dispose();
        _rx.Dispose();
        _datapath.Dispose();
    }

    private BenchResult RunSteady(IProgress<string>? progress)
    {
        if (_workload.Setup.Count > 0)
        {
            progress?.Report("set-up");
            Replay(_workload.Setup);
        }

        progress?.Report("warm-up");
        WarmUp();
        var runs = new List<BenchRun>(_settings.Runs);
        for (int i = 0; i < _settings.Runs; i++)
        {
            progress?.Report($"run {i + 1}/{_settings.Runs}");
            runs.Add(Measure(_settings.Seconds));
        }

        return Result(runs);
    }

    private BenchResult RunOneShot(IProgress<string>? progress)
    {
        var runs = new List<BenchRun>(_settings.Runs);
        long warmUntil = Now + (long)(_settings.WarmupSeconds * 1000);
        int warm = 0;
        while (runs.Count < _settings.Runs)
        {
            bool counted = warm >= 3 && Now > warmUntil;
            progress?.Report(counted ? $"run {runs.Count + 1}/{_settings.Runs}" : "warm-up");
            _datapath.FlushMegaflows();
            _datapath.FlushConntrack(null, Now);
            _rx.Restart();
            BenchRun run = Measure(double.MaxValue);
            if (counted) runs.Add(run);
            else warm++;
        }

        return Result(runs);
    }

    private BenchResult Result(List<BenchRun> runs)
        => new(_workload.Name, _settings, runs, _datapath.Megaflows.Count, _datapath.Conntrack.Count, 0);

    private void Replay(IReadOnlyList<byte[]> frames)
    {
        using CaptureRxQueue queue = Queue(frames, 1);
        using var poller = new PmdPoller(_datapath.Pmd, [queue]);
        while (poller.Step(Now) > 0) Housekeep();
    }

    private CaptureRxQueue Queue(IReadOnlyList<byte[]> frames, long loops)
        => new([.. frames.Select(f => new ReadOnlyMemory<byte>(f))], [.. Enumerable.Repeat(InPort, frames.Count)], loops, _settings.HardwareChecksums);

    /// <summary>Until two windows in a row differ by at most 3 %, at least half a second: tier-1 code and on-stack replacement need that.</summary>
    private void WarmUp()
    {
        double previous = double.MaxValue;
        double elapsed = 0;
        while (elapsed < _settings.WarmupSeconds)
        {
            BenchRun w = Measure(WindowSeconds);
            elapsed += w.Seconds;
            double ratio = w.CyclesPerPacket / previous;
            if (elapsed > 0.8 && ratio < SettledRatio && ratio > 1 / SettledRatio) return;
            previous = w.CyclesPerPacket;
        }
    }

    private BenchRun Measure(double seconds)
    {
        PmdStats before = _datapath.Pmd.Stats;
        int collections = GC.CollectionCount(0);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long start = MonotonicClock.NowNs;
        ulong tsc = TscClock.Now;
        Loop(seconds);
        ulong cycles = TscClock.Now - tsc;
        double took = (MonotonicClock.NowNs - start) / 1e9;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        PmdStats stats = _datapath.Pmd.Stats.Since(before);
        return new BenchRun(stats.Rx, cycles, took, allocated, GC.CollectionCount(0) - collections, stats, 0);
    }

    private void Loop(double seconds)
    {
        double budget = Math.Min(seconds * TscClock.FrequencyHz, ulong.MaxValue / 4.0);
        ulong end = TscClock.Now + (ulong)budget;
        do
        {
            long now = Now;
            for (int i = 0; i < 64; i++)
            {
                if (_poller.Step(now) == 0) return;
            }

            Housekeep();
        }
        while (TscClock.Now < end);
    }

    /// <summary>What the PMD does between batches, as in production: expiry and a revalidator slice, now and then.</summary>
    private void Housekeep()
    {
        if (--_untilHousekeeping > 0) return;
        _untilHousekeeping = 512;
        long now = Now;
        _datapath.Conntrack.Step(now);
        _datapath.Revalidator.Step(now);
    }
}
