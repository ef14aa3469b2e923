using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Pmd;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// A datapath on threads: one for each packet thread, one for the offload and the aging of counters, one for what is due for the switch as a whole. Control operations of the
/// <see cref="Datapath"/> are for any thread while it runs.
/// </summary>
public sealed class ThreadedSwitch : IDisposable
{
    private readonly Datapath _datapath;
    private readonly ThreadedRuntime _runtime = new();
    private readonly PmdPoller[] _pollers;
    private bool _stopped;

    /// <summary>Threads that have not started.</summary>
    /// <param name="datapath">What runs; not owned.</param>
    /// <param name="queues">Receive queues by packet thread; each is polled by one thread at a time.</param>
    /// <param name="cpus">Processor of each packet thread; null = not pinned.</param>
    public ThreadedSwitch(Datapath datapath, IReadOnlyList<IReadOnlyList<RxQueue>> queues, IReadOnlyList<int>? cpus = null)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(queues.Count, datapath.Pmds.Count, nameof(queues));
        _datapath = datapath;
        _pollers = [.. datapath.Pmds.Select(p => new PmdPoller(p.Thread, queues[p.Index]))];
        datapath.EnterThreads();
        foreach (PmdContext pmd in datapath.Pmds)
        {
            _runtime.Add($"pmd{pmd.Index}", cpus?[pmd.Index], [_pollers[pmd.Index], pmd.Calls, new PmdUpkeep(pmd)], datapath.PmdQuiescent.Register(), pmd.Calls.Detach);
        }

        if (datapath.Offload is { } offload) _runtime.Add("offload", null, [offload, datapath.Aging!], datapath.Quiescent.Register());
        _runtime.Add("upkeep", null, [new Upkeep(datapath)]);
    }

    /// <summary>The first failure of a poller; null = none.</summary>
    public PollerFailure? Failure => _runtime.Failure;

    /// <summary>Starts all threads.</summary>
    public void Start()
    {
        foreach (PmdContext pmd in _datapath.Pmds) pmd.Calls.Attach();
        _runtime.Start();
    }

    /// <summary>
    /// Gives a receive queue from one packet thread to another. The first has finished with it before the second begins, so packets of a flow stay in order. A datagram of which the first
    /// holds fragments does not become whole.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such thread.</exception>
    /// <exception cref="ArgumentException"><paramref name="from"/> does not poll the queue.</exception>
    public void MoveQueue(RxQueue queue, int from, int to)
    {
        // Both before anything moves: a queue that one has given up and the other cannot take is lost.
        CheckPmd(from, nameof(from));
        CheckPmd(to, nameof(to));
        _datapath.Call(from, () => _pollers[from].Remove(queue) ? 1 : throw new ArgumentException($"thread {from} does not poll the queue", nameof(queue)));
        _datapath.Call(to, () => _pollers[to].Add(queue));
    }

    private void CheckPmd(int pmd, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(pmd, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(pmd, _pollers.Length, name);
    }

    /// <summary>Ends all threads; throws if one has failed.</summary>
    public void Stop()
    {
        if (_stopped) return;
        _stopped = true;
        try
        {
            _runtime.Stop();
        }
        finally
        {
            foreach (PmdPoller poller in _pollers) poller.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Stop();

    /// <summary>What a packet thread does now and then beside packets, for itself: a slice once a millisecond.</summary>
    private sealed class PmdUpkeep(PmdContext pmd) : IPoller
    {
        private long _nowMs;

        public string Name => "pmd-upkeep";

        public int Step(long nowMs)
        {
            if (nowMs == _nowMs) return 0;
            _nowMs = nowMs;
            return pmd.ExpireSome(nowMs);
        }
    }

    /// <summary>What is due for the switch as a whole.</summary>
    private sealed class Upkeep(Datapath datapath) : IPoller
    {
        private long _dueMs;

        public string Name => "upkeep";

        public int Step(long nowMs)
        {
            if (nowMs < _dueMs)
            {
                Thread.Sleep(1);
                return 0;
            }

            _dueMs = nowMs + Math.Min(datapath.Options.MaxRevalidatorMs, 100);
            datapath.ExpireShared(nowMs);
            return 1;
        }
    }
}
