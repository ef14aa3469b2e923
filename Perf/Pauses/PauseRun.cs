using System.Diagnostics;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>A switch on threads of its own under one <see cref="PauseLoad"/>: what stops its packet threads, and for how long.</summary>
internal sealed class PauseRun : IDisposable
{
    private const int Dependents = 10_000;
    private const int ChangesPerSecond = 10_000;
    private const int ChangesPerMod = 10;

    private readonly Datapath _datapath;
    private readonly CaptureRxQueue[] _frames;
    private readonly ThreadedSwitch _threads;
    private readonly PauseLoad _load;
    private const int Bundled = 100_000;
    private readonly FlowMod[][] _changes;

    /// <summary>To add and to delete as one; none for other loads.</summary>
    private readonly FlowMod[][] _bundles = [];

    /// <summary>A switch that runs.</summary>
    public PauseRun(PauseLoad load, int pmds)
    {
        _load = load;
        Workload workload = WorkloadRecipe.Make(load == PauseLoad.Upcalls ? "s7" : "s4_udp_10k_uni");
        BenchSettings settings = new() { Offload = OffloadMode.Soft, Pmds = pmds, SharesDatapath = true };
        _datapath = new Datapath(PacketLoop.DatapathFor(workload, settings), sink: null);
        Rules.Load(_datapath, workload, Now);
        var parser = new FlowTextParser();
        _changes = [.. Enumerable.Range(0, Dependents / ChangesPerMod).Select(i => Change(parser, i))];
        if (load == PauseLoad.Bundles) _bundles = [Bundle(parser, "add table=7,priority=9", ",actions=output:2"), Bundle(parser, "delete_strict table=7,priority=9", "")];
        Gaps = [.. Enumerable.Range(0, pmds).Select(static _ => new PollGaps())];
        Workload[] shares = [.. FlowSplit.Of(workload, pmds)];
        _frames = [.. shares.Select(static s => new CaptureRxQueue([.. s.Setup.Concat(s.Frames).Select(static f => (ReadOnlyMemory<byte>)f)], [.. Enumerable.Repeat(1u, s.Setup.Count + s.Frames.Count)], 0, verifyChecksums: true))];
        int[] cpus = [.. HostProbe.ProcessCpus.TakeLast(pmds)];
        _threads = new ThreadedSwitch(
            _datapath,
            Enumerable.Range(0, pmds).ToDictionary(static i => new RxQueueName(0, i), RxQueue (i) => new GapRxQueue(_frames[i], Gaps[i].Add)),
            new ThreadedSwitchOptions { Cpus = cpus.Length < pmds ? null : cpus });
        _threads.Start();
    }

    /// <summary>Per packet thread.</summary>
    public PollGaps[] Gaps { get; }

    /// <summary>Runs the load for a time; packets forwarded and changes or dumps done meanwhile.</summary>
    public (ulong Packets, long Operations) Run(double seconds, CancellationToken interrupted)
    {
        ulong before = _datapath.Stats.Rx;
        foreach (PollGaps gaps in Gaps) gaps.Restart();
        long operations = 0;
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed.TotalSeconds < seconds)
        {
            interrupted.ThrowIfCancellationRequested();
            if (_threads.Failure is { } failure) throw new InvalidOperationException(failure.Line);
            operations += Operate(operations, watch.Elapsed.TotalSeconds);
        }

        return (_datapath.Stats.Rx - before, operations);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _threads.Dispose();
        foreach (CaptureRxQueue frames in _frames) frames.Dispose();
        _datapath.Dispose();
    }

    private static long Now => Environment.TickCount64;

    /// <summary>Adds some rules, or deletes those that were added half a round before.</summary>
    private static FlowMod[] Change(FlowTextParser parser, int i)
    {
        const int Half = Dependents / ChangesPerMod / 2;
        string command = i < Half ? "add table=5,priority=9" : "delete_strict table=5,priority=9", actions = i < Half ? ",actions=output:2" : "";
        return [.. Enumerable.Range(0, ChangesPerMod).Select(k => parser.ParseFlow($"{command},ip,nw_dst=10.{i % Half % 250}.{k}.{i % Half / 250}{actions}"))];
    }

    private static FlowMod[] Bundle(FlowTextParser parser, string command, string actions)
        => [.. Enumerable.Range(0, Bundled).Select(i => parser.ParseFlow($"{command},ip,nw_dst=10.{i >> 16}.{i >> 8 & 255}.{i & 255}{actions}"))];

    private long Operate(long done, double elapsed)
    {
        switch (_load)
        {
            case PauseLoad.Rules when done < elapsed * ChangesPerSecond:
                _datapath.ApplyFlowMods(_changes[done / ChangesPerMod % _changes.Length], Now);
                return ChangesPerMod;
            case PauseLoad.Dumps:
                return _datapath.DumpMegaflows(Now).Count + _datapath.DumpConnections(Now).Count > 0 ? 1 : 0;
            case PauseLoad.Upcalls when done < elapsed * 10:
                _datapath.PurgeMegaflows(Now);
                return 1;
            case PauseLoad.Bundles:
                _datapath.ApplyFlowMods(_bundles[done / Bundled % 2], Now);
                return Bundled;
            default:
                Thread.Sleep(1);
                return 0;
        }
    }
}
