using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// A datapath on threads, one for each group of <see cref="SwitchPollers"/>. Control operations of the <see cref="Datapath"/> are for any thread while it runs.
/// </summary>
public sealed class ThreadedSwitch : IDisposable
{
    private readonly Datapath _datapath;
    private readonly ThreadedRuntime _runtime;
    private readonly int _startedPmds;
    private bool _stopped;

    /// <summary>Threads that have not started.</summary>
    /// <param name="datapath">What runs; not owned.</param>
    /// <param name="queues">Receive queues; <see cref="Datapath.Queues"/> says which thread polls which.</param>
    /// <param name="options">Null = threads are not pinned and sleep when there is nothing to do.</param>
    public ThreadedSwitch(Datapath datapath, IReadOnlyDictionary<RxQueueName, RxQueue> queues, ThreadedSwitchOptions? options = null)
    {
        options ??= new ThreadedSwitchOptions();
        _datapath = datapath;
        _runtime = new ThreadedRuntime(options.Idle);
        Pollers = new SwitchPollers(datapath, onThreads: true, options.Sink, isTimed: options.TimesQueues);
        foreach ((RxQueueName name, RxQueue queue) in queues) Pollers.Add(name, queue);
        _startedPmds = options.StartedPmds ?? Pollers.Pmds.Count;
        for (int i = 0; i < _startedPmds; i++) _runtime.Add(Pollers.Pmds[i], options.Cpus?[i]);
        foreach (PollerGroup later in Pollers.Pmds.Skip(_startedPmds)) later.Reader?.Leave();
        foreach (PollerGroup handler in Pollers.Handlers) _runtime.Add(handler);
        if (Pollers.Offload is { } offload) _runtime.Add(offload);
        if (Pollers.Shadow is { } shadow) _runtime.Add(shadow);
        _runtime.Add(Pollers.Upkeep);
    }

    /// <summary>What the threads step. Queues are added, moved and taken away here, also while they run.</summary>
    public SwitchPollers Pollers { get; }

    /// <summary>The first failure of a poller; null = none.</summary>
    public PollerFailure? Failure => _runtime.Failure;

    /// <summary>Times that threads have gone to sleep.</summary>
    public long Sleeps => _runtime.Sleeps;

    /// <summary>Starts all threads.</summary>
    public void Start()
    {
        foreach (PmdContext pmd in _datapath.Pmds.Take(_startedPmds)) Attach(pmd);
        _runtime.Start();
    }

    /// <summary>Starts a packet thread that was not started with the others, or has ended, while these run. It has no queues until it is given some.</summary>
    /// <param name="pmd">Its index.</param>
    /// <param name="cpu">Processor that it is to run on; null = any.</param>
    /// <exception cref="InvalidOperationException">It runs.</exception>
    public void StartPmd(int pmd, int? cpu)
    {
        PmdContext context = _datapath.Pmds[pmd];
        if (context.Calls.IsAttached) throw new InvalidOperationException($"packet thread {pmd} runs");
        using (_datapath.BeginControl()) Attach(context);
        _runtime.Start(Pollers.Pmds[pmd], cpu);
    }

    /// <summary>
    /// Ends a packet thread while the others run. Its megaflows go, with what they have counted reported; its connections stay, and age by whoever looks after the switch as a whole.
    /// </summary>
    /// <param name="pmd">Its index.</param>
    /// <param name="nowMs">The time.</param>
    /// <exception cref="InvalidOperationException">It still has queues: they go first, so that the packets of each stay in order.</exception>
    public void EndPmd(int pmd, long nowMs)
    {
        if (Pollers.HasQueues(pmd)) throw new InvalidOperationException($"packet thread {pmd} has queues");
        _runtime.End(Pollers.Pmds[pmd]);
        _datapath.PurgeMegaflowsOf(pmd, nowMs);
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
            Pollers.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Stop();

    private void Attach(PmdContext pmd)
    {
        pmd.Conntrack.KeepsConnections = true;
        pmd.Calls.Attach(Pollers.Pmds[pmd.Index].Latch);
    }
}

/// <summary>How a <see cref="ThreadedSwitch"/> runs.</summary>
public sealed record ThreadedSwitchOptions
{
    /// <summary>Processor of each packet thread; null = not pinned.</summary>
    public IReadOnlyList<int>? Cpus { get; init; }

    /// <summary>Packet threads that start with the others, the first ones; the rest by <see cref="ThreadedSwitch.StartPmd"/>. Null = all.</summary>
    public int? StartedPmds { get; init; }

    /// <summary>See <see cref="Pmd.PmdPoller.IsTimed"/>.</summary>
    public bool TimesQueues { get; init; }

    /// <summary>What threads do that find nothing to do.</summary>
    public IdleOptions Idle { get; init; } = new();

    /// <summary>What an offloading NIC forwards goes there too, from any packet thread; null = it is counted.</summary>
    public IOutputSink? Sink { get; init; }
}
