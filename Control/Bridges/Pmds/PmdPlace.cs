using System.Diagnostics;
using Mergeflow.Engine.Pmd;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;

namespace Mergeflow.Control.Bridges;

/// <summary>A packet thread that has a processor, and how much it has had to do. For the thread that makes bridges.</summary>
/// <param name="cpu">The processor.</param>
/// <param name="context">What of the datapath is the thread's.</param>
public sealed class PmdPlace(PmdCpu cpu, PmdContext context)
{
    private readonly LoadHistory _busy = new();
    private PmdStats _cleared = context.Thread.Stats;
    private long _nextMs = long.MinValue;
    private long? _intervalBegan;

    /// <summary>Its processor.</summary>
    public PmdCpu Cpu => cpu;

    /// <summary>Which of the datapath's packet threads it is.</summary>
    public int Index => context.Index;

    /// <summary>A queue is pinned to it, and it gets no others.</summary>
    public bool IsIsolated { get; internal set; }

    /// <summary>Its queues, as they are shown: by name of the port and number.</summary>
    public IReadOnlyList<PmdQueue> Queues { get; internal set; } = [];

    /// <summary>What it has counted since somebody asked to begin anew.</summary>
    public PmdStats Stats => context.Thread.Stats.Since(_cleared);

    /// <summary>Ticks of <see cref="Stopwatch"/> in an interval; 0 = none has ended since it was given its queues.</summary>
    public long IntervalTicks { get; private set; }

    /// <summary>Intervals in a row that it was overloaded in.</summary>
    public int OverloadedCount { get; private set; }

    /// <summary>Time that it was not idle in the last intervals.</summary>
    public long BusyTicks(int intervals) => _busy.Sum(intervals);

    /// <summary>Its counters begin anew.</summary>
    public void ClearStats() => _cleared = context.Thread.Stats;

    /// <summary>It has other queues: what was measured is no measure any more.</summary>
    /// <param name="counters">What each queue has counted.</param>
    /// <param name="nowMs">The time.</param>
    internal void Restart(Func<RxQueueName, long> counters, long nowMs)
    {
        foreach (PmdQueue queue in Queues) queue.History.Restart(counters(queue.Name));
        (IntervalTicks, OverloadedCount, _intervalBegan) = (0, 0, null);
        _busy.Restart(BusyCounter(counters));
        if (_nextMs == long.MinValue) _nextMs = nowMs + LoadHistory.IntervalMs;
    }

    /// <summary>Ends an interval if it is over.</summary>
    /// <param name="counters">What each queue has counted.</param>
    /// <param name="loadPercent">From what load on it is overloaded; null = nobody wants to know.</param>
    /// <param name="nowMs">The time.</param>
    internal void Run(Func<RxQueueName, long> counters, int? loadPercent, long nowMs)
    {
        if (nowMs <= _nextMs) return;
        _nextMs = nowMs + LoadHistory.IntervalMs;
        foreach (PmdQueue queue in Queues) queue.History.Store(counters(queue.Name));
        long busy = _busy.Store(BusyCounter(counters)), now = Stopwatch.GetTimestamp(), length = _intervalBegan is { } began ? now - began : 0;
        if (_intervalBegan is not null) IntervalTicks = length;
        _intervalBegan = now;
        if (loadPercent is not { } limit || IsIsolated) return;
        long load = length > 0 ? Math.Min(100, busy * 100 / length) : 0;
        OverloadedCount = load >= limit ? OverloadedCount + 1 : 0;
    }

    private long BusyCounter(Func<RxQueueName, long> counters)
        => Queues.Sum(q => counters(q.Name)) + (long)(context.UpkeepNs * (Stopwatch.Frequency / 1e9));
}

/// <summary>A queue that packet threads poll, and how long its packets took.</summary>
/// <param name="name">Which queue.</param>
/// <param name="of">Its port.</param>
public sealed class PmdQueue(RxQueueName name, LivePort of)
{
    /// <summary>Which queue.</summary>
    public RxQueueName Name => name;

    /// <summary>Its port.</summary>
    public LivePort Of => of;

    /// <summary>The last intervals.</summary>
    public LoadHistory History { get; } = new();
}
