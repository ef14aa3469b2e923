using System.Runtime.ExceptionServices;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>
/// Several PMD threads, each with a datapath and a share of the flows of its own: nothing is shared, so nothing is locked. Their runs begin
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
        _shares = FlowSplit.Of(workload, settings.Pmds);
        (_settings, _warmUp, _interrupted) = (settings with { OffloadThread = false }, warmUp, interrupted);
        _results = new BenchResult?[_shares.Count];
        _together = new Barrier(_shares.Count);
    }

    /// <summary>All runs.</summary>
    public BenchResult Run()
    {
        var failures = new ExceptionDispatchInfo?[_shares.Count];
        Thread[] threads = [.. _shares.Select((share, i) => new Thread(() =>
        {
            try
            {
                _results[i] = RunShare(share, _cpus[i]);
            }
            catch (Exception e)
            {
                failures[i] = ExceptionDispatchInfo.Capture(e);
            }
            finally
            {
                _together.RemoveParticipant();
            }
        }) { Name = $"pmd{i}", IsBackground = true })];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        foreach (ExceptionDispatchInfo? failure in failures) failure?.Throw();
        return Sum([.. _results.Select(r => r!)]);
    }

    private BenchResult RunShare(Workload share, int cpu)
    {
        bool pinned = ThreadPinning.TryPin(cpu);
        using var loop = new PacketLoop(share, _settings, pinned ? cpu : null, _interrupted);
        var runs = new List<BenchRun>(_settings.Runs);
        if (!_settings.OneShot)
        {
            loop.Replay(share.Setup);
            _warmUp(loop);
        }

        const int unmeasured = 3;
        for (int i = _settings.OneShot ? -unmeasured : 0; i < _settings.Runs; i++)
        {
            if (_settings.OneShot) loop.Forget();
            _together.SignalAndWait(_interrupted);
            BenchRun run = loop.Measure(_settings.OneShot ? double.MaxValue : _settings.Seconds);
            if (i >= 0) runs.Add(run);
        }

        return loop.Describe(new BenchResult(share.Name, _settings, runs) { PinnedCpu = pinned ? cpu : null });
    }

    private BenchResult Sum(IReadOnlyList<BenchResult> shares) => shares[0] with
    {
        Runs = [.. Enumerable.Range(0, _settings.Runs).Select(i => Sum([.. shares.Select(s => s.Runs[i])]))],
        Megaflows = shares.Sum(s => s.Megaflows),
        Connections = shares.Sum(s => s.Connections),
        OffloadedRules = shares.Aggregate(0UL, (sum, s) => sum + s.OffloadedRules),
        Reasons = [.. shares.SelectMany(s => s.Reasons).GroupBy(r => r.Reason).Select(g => new ReasonCount(g.Key, g.Aggregate(0UL, (sum, r) => sum + r.Packets), g.Aggregate(0UL, (sum, r) => sum + r.Bytes)))],
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
