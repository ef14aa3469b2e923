namespace Mergeflow.Control.OpenFlow;

/// <summary>
/// Turns at handling messages: so many threads at a time, in the order in which they came, whatever the number of connections, so that those who ask for much keep neither other connections nor packet threads
/// from a processor. A turn is for one message. For any thread.
/// </summary>
/// <param name="count">Turns at a time.</param>
internal sealed class OfTurns(int count)
{
    [ThreadStatic]
    private static Waiter? t_waiter;

    private readonly Lock _lock = new();
    private readonly Queue<Waiter> _waiting = [];
    private int _free = count;

    /// <summary>Those of this process: half of its processors.</summary>
    public static OfTurns Shared { get; } = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <summary>Waits for a turn. The thread has none.</summary>
    public void Enter()
    {
        Waiter waiter = t_waiter ??= new Waiter();
        lock (_lock)
        {
            waiter.Turns = this;
            if (_free > 0)
            {
                _free--;
                return;
            }

            _waiting.Enqueue(waiter);
        }

        waiter.Told.Wait();
        waiter.Told.Reset();
    }

    /// <summary>Gives the turn to whoever waits for the longest time.</summary>
    public void Exit()
    {
        t_waiter!.Turns = null;
        lock (_lock)
        {
            if (_waiting.TryDequeue(out Waiter? next)) next.Told.Set();
            else _free++;
        }
    }

    /// <summary>The thread is about to wait for somebody: it gives up its turn, if it has one. Returns whose it was.</summary>
    public static OfTurns? Leave()
    {
        OfTurns? turns = t_waiter?.Turns;
        turns?.Exit();
        return turns;
    }

    private sealed class Waiter
    {
        /// <summary>Whose turn the thread has; null = it has none.</summary>
        public OfTurns? Turns;

        public readonly ManualResetEventSlim Told = new(false, spinCount: 0);
    }
}
