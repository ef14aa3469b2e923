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
    private int _collections = -1;
    private long _ownNs;
    private volatile bool _restarts;

    /// <summary>Long gaps in which a collection ended.</summary>
    public LatencyHistogram OfCollector { get; private set; } = new();

    /// <summary>Long gaps without one, in which the system took the processor away.</summary>
    public LatencyHistogram OfSystem { get; private set; } = new();

    /// <summary>Long gaps without either: work of the thread itself, or a machine that is not there.</summary>
    public LatencyHistogram OfWork { get; private set; } = new();

    /// <summary>Processor time of the thread from each poll to the next, ns: what neither the collector nor the system is to blame for.</summary>
    public LatencyHistogram Own { get; private set; } = new();

    /// <summary>All polls.</summary>
    public LatencyHistogram All => _all;

    /// <summary>Begins anew at the next poll. Any thread.</summary>
    public void Restart() => _restarts = true;

    /// <summary>A poll has come <paramref name="cycles"/> after the one before. By the packet thread.</summary>
    public void Add(ulong cycles)
    {
        long ownNs = ThreadClock.NowNs;
        if (_restarts) Clear();
        else Own.Add((ulong)(ownNs - _ownNs));
        _ownNs = ownNs;
        _all.Add(cycles);
        if (cycles < s_long) return;
        int collections = GC.CollectionCount(0);
        long involuntary = ThreadSwitches.Now().Involuntary;
        (collections != _collections ? OfCollector : involuntary != _involuntary ? OfSystem : OfWork).Add(cycles);
        (_collections, _involuntary) = (collections, involuntary);
    }

    private void Clear()
    {
        _restarts = false;
        _all.Clear();
        Own.Clear();
        OfCollector.Clear();
        OfSystem.Clear();
        OfWork.Clear();
        (_collections, _involuntary) = (GC.CollectionCount(0), ThreadSwitches.Now().Involuntary);
    }
}
