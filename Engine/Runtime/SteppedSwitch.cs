using Mergeflow.Engine.Ports;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// A running switch without threads: the groups of <see cref="SwitchPollers"/> on the caller's thread, under a clock that the caller moves, in an order that a seed draws. Control
/// operations come between two steps. The same seed and queues give the same run.
/// </summary>
public sealed class SteppedSwitch : IDisposable
{
    private readonly PollerGroup[] _groups;
    private readonly Schedule _schedule;

    /// <summary>A switch at time 0.</summary>
    /// <param name="datapath">What runs; not owned.</param>
    /// <param name="queues">As of a <see cref="ThreadedSwitch"/>.</param>
    /// <param name="seed">Of the order; any number.</param>
    /// <param name="sink">What an offloading NIC forwards goes there too; null = it is counted.</param>
    public SteppedSwitch(Datapath datapath, IReadOnlyDictionary<RxQueueName, RxQueue> queues, ulong seed, IOutputSink? sink = null)
    {
        Pollers = new SwitchPollers(datapath, onThreads: false, sink, () => NowMs);
        foreach ((RxQueueName name, RxQueue queue) in queues) Pollers.Add(name, queue);
        _groups = [.. Pollers.All];
        _schedule = new Schedule(seed);
    }

    /// <summary>What is stepped.</summary>
    public SwitchPollers Pollers { get; }

    /// <summary>The clock, ms.</summary>
    public long NowMs { get; private set; }

    /// <summary>One round of one thread, which chance draws; returns what it has handled.</summary>
    public int Step() => _groups[_schedule.Below((uint)_groups.Length)].Step(NowMs);

    /// <summary>Rounds of all threads, each time in another order, until none has anything to do at this time.</summary>
    public void StepUntilIdle()
    {
        int work;
        do
        {
            work = 0;
            for (int i = _groups.Length; i > 0; i--)
            {
                int drawn = (int)_schedule.Below((uint)i);
                (_groups[drawn], _groups[i - 1]) = (_groups[i - 1], _groups[drawn]);
                work += _groups[i - 1].Step(NowMs);
            }
        }
        while (work > 0);
    }

    /// <summary>Lets time pass, with a round of all threads in each millisecond.</summary>
    public void Run(long ms)
    {
        for (long end = NowMs + ms; NowMs < end;)
        {
            NowMs++;
            StepUntilIdle();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Pollers.Dispose();
}
