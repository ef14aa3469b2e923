using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>Pollers that one thread steps in turn, and what there is beside them: one thread of a switch, whoever plays it.</summary>
/// <param name="Name">Name of the thread.</param>
/// <param name="Pollers">Stepped in this order.</param>
public sealed record PollerGroup(string Name, IReadOnlyList<IPoller> Pollers) : IDisposable
{
    private readonly IPoller[] _pollers = [.. Pollers];

    /// <summary>Announces a quiescent point after each round; null = it reads nothing that others reclaim.</summary>
    public QuiescentState.Reader? Reader { get; init; }

    /// <summary>Whether the thread is one for packets, which is seldom without work; others have little to do at a time, and get a processor at once for it (<see cref="ThreadPolicy.TryShortenTurns"/>).</summary>
    public bool IsForPackets { get; init; }

    /// <summary>The last thing that the thread does.</summary>
    public Action? AtEnd { get; init; }

    /// <summary>Wakes the thread.</summary>
    public WakeLatch Latch { get; } = new();

    /// <summary>The poller that is stepped, or was the last.</summary>
    public IPoller Current { get; private set; } = Pollers[0];

    /// <summary>A round; returns what all of them have handled, 0 = idle.</summary>
    public int Step(long nowMs)
    {
        int work = 0;
        foreach (IPoller p in _pollers)
        {
            Current = p;
            work += p.Step(nowMs);
        }

        Reader?.Announce();
        return work;
    }

    /// <summary>What ends a sleep after a round that had nothing to do.</summary>
    public void BeforeSleep(PollSet set, long nowMs)
    {
        set.Clear();
        foreach (IPoller p in _pollers) p.BeforeSleep(set, nowMs);
    }

    /// <inheritdoc/>
    public void Dispose() => Latch.Dispose();
}
