using System.Runtime.ExceptionServices;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>
/// Several PMD threads, each with a share of the flows: with a datapath of its own, so that nothing is shared and nothing locked, or all in one datapath. Their runs begin
/// together; a run of the group has the packets and cycles of all of them, and the time of the slowest.
/// </summary>
internal sealed class PmdGroup
{
    private readonly IReadOnlyList<Workload> _shares;
    private readonly BenchSettings _settings;
    private readonly int[] _cpus;
    private readonly CancellationToken _interrupted;
    private readonly Action<PacketLoop> _warmUp;
    private readonly BenchResult?[] _results;
    private readonly Barrier _together;

    /// <summary>The one datapath of all threads, and the switch around each of them; null = one each.</summary>
    private readonly Datapath? _shared;
    private readonly SwitchPollers? _pollers;
    private readonly SwitchSide[] _sides = [];

    private double _warmSeconds;
    private int _warmRuns;
    private bool _isWarm;

    /// <summary>The run that begins counts; decided while all threads wait.</summary>
    private bool _isCounted;

    /// <summary>A group that has not started.</summary>
    /// <param name="workload">Divided by flows, see <see cref="FlowSplit"/>.</param>
    /// <param name="settings">How; <see cref="BenchSettings.Pmds"/> threads.</param>
    /// <param name="warmUp">Runs a loop until its rate has settled.</param>
    /// <param name="interrupted">Ends the loops early.</param>
    /// <exception cref="PerfException">There are not as many processors, or the frames cannot be divided.</exception>
    public PmdGroup(Workload workload, BenchSettings settings, Action<PacketLoop> warmUp, CancellationToken interrupted)
    {
        _cpus = [.. HostProbe.ProcessCpus.TakeLast(settings.Pmds)];
        if (_cpus.Length < settings.Pmds) throw PerfException.Usage($"--pmd: {settings.Pmds} threads, but {_cpus.Length} usable processors");
        if (settings.Peer is not null || settings.Rates is not null || settings.Ramp is not null || settings.Churn is not null || settings.Stages is not null || settings.BatchLatency is not null)
            throw PerfException.Usage("--pmd: several threads only without --peer, --stages, --batch-latency and studies");
        _shares = FlowSplit.Of(workload, settings.Pmds, settings.DirectionsApart);
        (_settings, _warmUp, _interrupted) = (settings with { OffloadThread = false }, warmUp, interrupted);
        _results = new BenchResult?[_shares.Count];
        _together = new Barrier(_shares.Count, _ => _isCounted = _isWarm);
        if (!settings.SharesDatapath) return;
        _shared = new Datapath(PacketLoop.DatapathFor(workload, settings), sink: null);
        Rules.Load(_shared, workload, Environment.TickCount64);
        _pollers = new SwitchPollers(_shared, onThreads: true);
        _sides = [.. Enumerable.Range(0, _shares.Count).Select(i => SwitchSide.Shared(_pollers, i))];
    }

    /// <summary>All runs.</summary>
    public BenchResult Run()
    {
        var failures = new ExceptionDispatchInfo?[_shares.Count];
        Thread[] threads = [.. _shares.Select((share, i) => new Thread(() =>
        {
            try
            {
                _results[i] = RunShare(share, i);
            }
            catch (Exception e)
            {
                failures[i] = ExceptionDispatchInfo.Capture(e);
            }
            finally
            {
                if (_shared is not null) _sides[i].Leave();
                _together.RemoveParticipant();
            }
        }) { Name = $"pmd{i}", IsBackground = true })];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        foreach (ExceptionDispatchInfo? failure in failures) failure?.Throw();
        BenchResult sum = Sum([.. _results.Select(r => r!)]);
        _pollers?.Dispose();
        _shared?.Dispose();
        return sum;
    }

    private BenchResult RunShare(Workload share, int index)
    {
        int cpu = _cpus[index];
        bool pinned = ThreadPinning.TryPin(cpu);
        using PacketLoop loop = _shared is null
            ? new PacketLoop(share, _settings, pinned ? cpu : null, _interrupted)
            : new PacketLoop(share, _settings, _shared, index, _sides[index], _interrupted);
        var runs = new List<BenchRun>(_settings.Runs);
        if (!_settings.OneShot)
        {
            loop.Replay(share.Setup);
            if (_settings.DirectionsApart) _together.SignalAndWait(_interrupted);
            _warmUp(loop);
        }

        while (runs.Count < _settings.Runs)
        {
            if (_settings.OneShot) Forget(loop, index);
            _together.SignalAndWait(_interrupted);
            bool isCounted = !_settings.OneShot || _isCounted;
            BenchRun run = loop.Measure(_settings.OneShot ? double.MaxValue : _settings.Seconds);
            if (isCounted) runs.Add(run);
            else if (index == 0) WarmUpOnce(run);
        }

        return loop.Describe(new BenchResult(share.Name, _settings, runs) { PinnedCpu = pinned ? cpu : null });
    }

    /// <summary>A run of the first thread, which speaks for all, that does not count: compiled code has not settled yet.</summary>
    private void WarmUpOnce(in BenchRun run)
    {
        _warmSeconds += run.Seconds;
        _isWarm = ++_warmRuns >= ScenarioRunner.MinWarmupRuns && _warmSeconds >= Math.Min(ScenarioRunner.MinWarmupSeconds, _settings.WarmupSeconds);
    }

    /// <summary>Nothing is known any more; of one datapath one thread sees to it, while the others wait.</summary>
    private void Forget(PacketLoop loop, int index)
    {
        if (_shared is null)
        {
            loop.Forget();
            return;
        }

        _together.SignalAndWait(_interrupted);
        if (index == 0) loop.Forget();
        _together.SignalAndWait(_interrupted);
        if (index != 0) loop.Restart();
    }

    private BenchResult Sum(IReadOnlyList<BenchResult> shares) => shares[0] with
    {
        Runs = [.. Enumerable.Range(0, _settings.Runs).Select(i => Sum([.. shares.Select(s => s.Runs[i])]))],
        Megaflows = _shared is null ? shares.Sum(s => s.Megaflows) : shares[0].Megaflows,
        Connections = _shared is null ? shares.Sum(s => s.Connections) : shares[0].Connections,
        OffloadedRules = _shared is null ? shares.Aggregate(0UL, (sum, s) => sum + s.OffloadedRules) : shares[0].OffloadedRules,
        Reasons = _shared is not null ? shares[0].Reasons : [.. shares.SelectMany(s => s.Reasons).GroupBy(r => r.Reason).Select(g => new ReasonCount(g.Key, g.Aggregate(0UL, (sum, r) => sum + r.Packets), g.Aggregate(0UL, (sum, r) => sum + r.Bytes)))],
    };

    private static BenchRun Sum(IReadOnlyList<BenchRun> runs)
    {
        BenchRun sum = runs[0];
        foreach (BenchRun r in runs.Skip(1))
        {
            sum = new BenchRun
            {
                Packets = sum.Packets + r.Packets,
                Cycles = sum.Cycles + r.Cycles,
                Seconds = Math.Max(sum.Seconds, r.Seconds),
                AllocatedBytes = sum.AllocatedBytes + r.AllocatedBytes,
                Collections = Math.Max(sum.Collections, r.Collections),
                Stats = sum.Stats.Since(default(PmdStats).Since(r.Stats)),
                NicHits = sum.NicHits + r.NicHits,
                DeviceCycles = sum.DeviceCycles + r.DeviceCycles,
                Transmitted = sum.Transmitted + r.Transmitted,
                CpuShare = Math.Min(sum.CpuShare, r.CpuShare),
            };
        }

        return sum;
    }
}
