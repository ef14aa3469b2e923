using System.Runtime.ExceptionServices;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>
/// Runs one workload on one datapath: set-up capture once, warm-up until the rate has settled, then the measured runs. Receive copy, parsing,
/// lookup, counters and transmit accounting are all inside the measured loop, see <see cref="PacketLoop"/>.
/// </summary>
public sealed class ScenarioRunner
{
    private const double SettledRatio = 1.03;
    private const double WindowSeconds = 0.1;

    /// <summary>Shortest warm-up, seconds: tier-1 code and on-stack replacement need that.</summary>
    internal const double MinWarmupSeconds = 0.8;

    /// <summary>Fewest runs that are not counted, of workloads that run once through their frames.</summary>
    internal const int MinWarmupRuns = 3;

    private readonly Workload _workload;
    private readonly BenchSettings _settings;
    private readonly CancellationToken _interrupted;
    private readonly Action<BenchProgress>? _progress;
    private readonly List<PeerRun> _peerRuns = [];

    /// <summary>A scenario that has not started; <paramref name="progress"/> is called on the packet thread, between runs.</summary>
    public ScenarioRunner(Workload workload, BenchSettings settings, Action<BenchProgress>? progress = null, CancellationToken interrupted = default)
        => (_workload, _settings, _progress, _interrupted) = (workload, settings, progress, interrupted);

    /// <summary>
    /// Everything, start to end, on a pinned thread of its own: pinning the caller's would confine all threads that the runtime starts later.
    /// </summary>
    /// <exception cref="FlowTextException">The rules cannot be parsed.</exception>
    /// <exception cref="OperationCanceledException">Interrupted.</exception>
    /// <exception cref="PerfException">Several PMD threads are not possible here.</exception>
    public BenchResult Run()
    {
        if (_settings.Pmds > 1) return new PmdGroup(_workload, _settings, WarmUp, _interrupted).Run();
        BenchResult? result = null;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                result = RunHere();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        { Name = "pmd", IsBackground = true };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    private BenchResult RunHere()
    {
        int? cpu = _settings.Cpu ?? HostProbe.ProcessCpus.Cast<int?>().LastOrDefault();
        bool pinned = cpu is int n && ThreadPinning.TryPin(n);
        using var loop = new PacketLoop(_workload, _settings, pinned ? cpu : null, _interrupted);
        var runs = new List<BenchRun>(_settings.Runs);
        if (_settings.Peer is not null) Report("peer: set-up", 0);
        _settings.Peer?.Prepare(_workload, _settings);
        int repeated = _settings.OneShot ? RunOneShot(loop, runs) : RunSteady(loop, runs);
        RateResult? rates = _settings.Rates?.Run(loop, Spread.Of(runs.Select(r => r.PacketsPerSecond)).Median, phase => Report(phase, 0.9));
        if (_settings.Ramp is not null) Report("ramp", 0.9);
        if (_settings.Churn is not null) Report("churn", 0.9);
        if (_settings.Stages is not null) Report("stages", 0.9);
        if (_settings.BatchLatency is not null) Report("batches", 0.5);
        return loop.Describe(new BenchResult(_workload.Name, _settings, runs)
        {
            Rates = rates,
            Ramp = _settings.Ramp?.Run(loop),
            Churn = _settings.Churn?.Run(loop, _workload),
            Stages = _settings.Stages?.Run(loop, _settings.OneShot),
            BatchLatency = _settings.OneShot ? null : _settings.BatchLatency?.Run(loop),
            PinnedCpu = pinned ? cpu : null,
            Repeated = repeated,
            Peer = _settings.Peer is { } peer ? PeerResult.Of(peer.Name, _peerRuns, peer.MeasureReceive()) : null,
        });
    }

    /// <summary>The other switch first, then ours, run by run.</summary>
    private void MeasurePeer(int run)
    {
        if (_settings.Peer is null || _peerRuns.Count > run) return;
        Report($"peer: run {run + 1}/{_settings.Runs}", 0.4 + (0.6 * run / _settings.Runs));
        _peerRuns.Add(_settings.Peer.Measure());
    }

    private int RunSteady(PacketLoop loop, List<BenchRun> runs)
    {
        Report("set-up", 0);
        loop.Replay(_workload.Setup);
        Report("warm-up", 0.02);
        WarmUp(loop);
        loop.BeginRuns();
        int repeated = 0;
        while (runs.Count < _settings.Runs)
        {
            MeasurePeer(runs.Count);
            ReportRun(runs.Count);
            BenchRun run = loop.Measure(_settings.Seconds);
            if (Repeat(run, ref repeated)) continue;
            runs.Add(run);
        }

        return repeated;
    }

    private int RunOneShot(PacketLoop loop, List<BenchRun> runs)
    {
        double warm = 0;
        int repeated = 0;
        for (int i = 0; runs.Count < _settings.Runs; i++)
        {
            bool counted = i >= MinWarmupRuns && warm >= Math.Min(MinWarmupSeconds, _settings.WarmupSeconds);
            if (counted) MeasurePeer(runs.Count);
            if (counted) ReportRun(runs.Count);
            if (counted && runs.Count == 0) loop.BeginRuns();
            else Report("warm-up", 0.02);
            loop.Forget();
            BenchRun run = loop.Measure(double.MaxValue);
            if (!counted)
            {
                warm += run.Seconds;
                continue;
            }

            if (Repeat(run, ref repeated)) continue;
            runs.Add(run);
        }

        return repeated;
    }

    /// <summary>
    /// Until two windows in a row differ by at most 3 %, at least 0.8 seconds: tier-1 code and on-stack replacement need that. While merged rules
    /// are still being installed it goes on, for up to twice the time.
    /// </summary>
    private void WarmUp(PacketLoop loop)
    {
        double previous = double.MaxValue;
        ulong rules = 0;
        for (double elapsed = 0; ;)
        {
            BenchRun w = loop.Measure(WindowSeconds);
            elapsed += w.Seconds;
            double ratio = w.CyclesPerPacket / previous;
            bool rulesSettled = loop.OffloadedRules == rules;
            bool settled = elapsed > MinWarmupSeconds && ratio < SettledRatio && ratio > 1 / SettledRatio;
            if (rulesSettled && (settled || elapsed >= _settings.WarmupSeconds)) return;
            if (elapsed >= 2 * _settings.WarmupSeconds) return;
            previous = w.CyclesPerPacket;
            rules = loop.OffloadedRules;
        }
    }

    /// <summary>The rule looks at the share of the processor that the thread got, never at the result.</summary>
    private bool Repeat(in BenchRun run, ref int repeated)
    {
        if (run.CpuShare >= BenchRun.QuietShare || repeated >= _settings.Retries) return false;
        repeated++;
        return true;
    }

    private void ReportRun(int done) => Report($"run {done + 1}/{_settings.Runs}", 0.4 + (0.6 * done / _settings.Runs));

    private void Report(string phase, double part)
    {
        _interrupted.ThrowIfCancellationRequested();
        _progress?.Invoke(new BenchProgress(phase, part));
    }
}
