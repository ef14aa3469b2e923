using System.Runtime;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>What a packet thread sees of its own pauses: the time from each poll to the next, and why the long ones were long.</summary>
internal sealed class PollGaps
{
    /// <summary>From here on somebody asks why, us.</summary>
    public const double LongUs = 100;

    private static readonly ulong s_long = (ulong)(LongUs * TscClock.FrequencyHz / 1e6);

    private readonly LatencyHistogram _all = new();
    private long _involuntary = -1;
    private int _collections;
    private long _ownNs;
    private long _compiled;
    private volatile bool _restarts;

    /// <summary>Every gap in which a collection ended, long or not: how long it stopped this thread, and whatever else happened to it meanwhile.</summary>
    public LatencyHistogram Stops { get; } = new();

    /// <summary>Long gaps in which a collection ended.</summary>
    public LatencyHistogram OfCollector { get; private set; } = new();

    /// <summary>Long gaps without one, in which the system took the processor away.</summary>
    public LatencyHistogram OfSystem { get; private set; } = new();

    /// <summary>Long gaps without either: work of the thread itself, or a machine that is not there.</summary>
    public LatencyHistogram OfWork { get; private set; } = new();

    /// <summary>Processor time of the thread from each poll to the next, ns: what neither the collector nor the system is to blame for.</summary>
    public LatencyHistogram Own { get; private set; } = new();

    /// <summary>Those of <see cref="Own"/> longer than <see cref="LongUs"/> in which a collection ended: this thread has made it, or a part of it.</summary>
    public LatencyHistogram OwnOfCollector { get; private set; } = new();

    /// <summary>Those without one in which the runtime has compiled a method on this thread, for the first time.</summary>
    public LatencyHistogram OwnOfCompiler { get; private set; } = new();

    /// <summary>Those without either: packets, and what control has it do.</summary>
    public LatencyHistogram OwnOfWork { get; private set; } = new();

    /// <summary>All polls.</summary>
    public LatencyHistogram All => _all;

    /// <summary>Begins anew at the next poll. Any thread.</summary>
    public void Restart() => _restarts = true;

    /// <summary>A poll has come <paramref name="cycles"/> after the one before. By the packet thread.</summary>
    public void Add(ulong cycles)
    {
        long ownNs = ThreadClock.NowNs;
        int collections = GC.CollectionCount(0);
        bool restarts = _restarts, hasCollected = !restarts && collections != _collections;
        if (restarts) Clear();
        else AddOwn(ownNs - _ownNs, hasCollected);
        (_ownNs, _collections) = (ownNs, collections);
        _all.Add(cycles);
        if (hasCollected) Stops.Add(cycles);
        if (cycles < s_long) return;
        long involuntary = ThreadSwitches.Now().Involuntary;
        (hasCollected ? OfCollector : involuntary != _involuntary ? OfSystem : OfWork).Add(cycles);
        _involuntary = involuntary;
    }

    private void AddOwn(long ns, bool hasCollected)
    {
        long compiled = JitInfo.GetCompiledMethodCount(currentThread: true);
        Own.Add((ulong)ns);
        if (ns >= LongUs * 1000) (hasCollected ? OwnOfCollector : compiled != _compiled ? OwnOfCompiler : OwnOfWork).Add((ulong)ns);
        _compiled = compiled;
    }

    private void Clear()
    {
        _restarts = false;
        _all.Clear();
        Stops.Clear();
        Own.Clear();
        OfCollector.Clear();
        OfSystem.Clear();
        OfWork.Clear();
        OwnOfCollector.Clear();
        OwnOfCompiler.Clear();
        OwnOfWork.Clear();
        (_compiled, _involuntary) = (JitInfo.GetCompiledMethodCount(currentThread: true), ThreadSwitches.Now().Involuntary);
    }
}
