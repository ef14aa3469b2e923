using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Native;
using Mergeflow.Nic;

namespace Mergeflow.Control;

/// <summary>A switch that runs on threads, on the machine's time, with live ports. Its members are for any thread.</summary>
public sealed class LiveSwitch : IDisposable
{
    private readonly ThreadedSwitch _threads;
    private bool _disposed;

    /// <summary>Builds it; nothing runs yet.</summary>
    /// <param name="options">Sizes and features; ports come by <see cref="Ports"/>.</param>
    /// <param name="threads">How it runs; null = not pinned, asleep when there is nothing to do.</param>
    /// <param name="entryOf">See <see cref="LivePorts.EntryOf"/>.</param>
    public LiveSwitch(DatapathOptions options, ThreadedSwitchOptions? threads = null, Func<LivePort, int>? entryOf = null)
    {
        LivePortSink[] sinks = [.. Enumerable.Range(0, options.PmdCount).Select(static _ => new LivePortSink())];
        Datapath = new Datapath(options, pmd => sinks[pmd]);
        Datapath.Clock.NeverGoesBack = true;
        _threads = new ThreadedSwitch(Datapath, new Dictionary<RxQueueName, RxQueue>(), threads);
        Ports = new LivePorts(Datapath, _threads.Pollers, sinks) { WatchesKernelDrops = true, EntryOf = entryOf };
        for (int i = 0; i < sinks.Length; i++) Datapath.Pmds[i].Thread.Tap = sinks[i].Tap;
        Taps = new FrameTaps(Datapath, [.. sinks.Select(static s => s.Tap)]);
    }

    /// <summary>What runs. Its control operations are for any thread.</summary>
    public Datapath Datapath { get; }

    /// <summary>Its ports. They come and go while it runs.</summary>
    public LivePorts Ports { get; }

    /// <summary>Looks at its frames.</summary>
    public FrameTaps Taps { get; }

    /// <summary>The time that packets are handled by, ms.</summary>
    public static long NowMs => ProcessClock.NowMs;

    /// <summary>Packets and bytes received, by software and by a device.</summary>
    public BookTotals Received
    {
        get
        {
            var stats = Datapath.Stats;
            KernelPortTotals kernel = Datapath.Kernel?.Total() ?? default;
            return new BookTotals(stats.Rx + kernel.RxPackets, stats.RxBytes + kernel.RxBytes) + (_threads.Pollers.Device ?? default);
        }
    }

    /// <summary>Where all packets are: what came in, left, was lost and is held.</summary>
    public SwitchLedger Ledger() => Ports.Ledger(() => _threads.Pollers.Device?.Packets ?? 0);

    /// <summary>The first failure of a thread, one line; null = none. All threads are about to end then.</summary>
    public string? Failure => _threads.Failure?.Line;

    /// <summary>Starts all threads, packet threads as far as they start with the others (<see cref="ThreadedSwitchOptions.StartedPmds"/>).</summary>
    public void Start() => _threads.Start();

    /// <inheritdoc cref="ThreadedSwitch.StartPmd"/>
    public void StartPmd(int pmd, int? cpu) => _threads.StartPmd(pmd, cpu);

    /// <inheritdoc cref="ThreadedSwitch.EndPmd"/>
    public void EndPmd(int pmd, long nowMs) => _threads.EndPmd(pmd, nowMs);

    /// <inheritdoc cref="SwitchPollers.MoveQueue"/>
    public void MoveQueue(RxQueueName queue, int pmd) => _threads.Pollers.MoveQueue(queue, pmd);

    /// <inheritdoc cref="SwitchPollers.HoldQueue"/>
    public void HoldQueue(RxQueueName queue) => _threads.Pollers.HoldQueue(queue);

    /// <inheritdoc cref="SwitchPollers.BusyTicksOf"/>
    public long BusyTicksOf(RxQueueName queue) => _threads.Pollers.BusyTicksOf(queue);

    /// <summary>Ends all threads, each behind the batch that is under way. What the switch holds can still be read.</summary>
    /// <exception cref="InvalidOperationException">A thread has failed.</exception>
    public void Stop() => _threads.Stop();

    /// <summary>Ends all threads, and closes all ports.</summary>
    /// <exception cref="InvalidOperationException">A thread has failed.</exception>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        try
        {
            _threads.Stop();
        }
        finally
        {
            Ports.Dispose();
            Datapath.Dispose();
        }
    }
}
