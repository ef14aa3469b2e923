using System.Text;

namespace Mergeflow.PropertyTests;

/// <summary>Threads of which one at a time goes from one marked access to the next.</summary>
internal sealed class DrivenThreads : IDisposable
{
    /// <summary>Steps after which a run counts as endless.</summary>
    private const int MaxSteps = 10_000;

    /// <summary>So often in one run all threads that spin look once more before it counts as a deadlock.</summary>
    private const int MaxLooks = 8;

    private const int LongestOrder = 2000;

    private readonly List<DrivenThread> _threads = [];
    private readonly StringBuilder _order = new();

    /// <summary>Accesses of the last run, in order.</summary>
    public string Order => _order.Length <= LongestOrder ? _order.ToString() : $"... {_order.ToString(_order.Length - LongestOrder, LongestOrder)}";

    /// <summary>Plays one run; <paramref name="choose"/> gets the number of ways to go on and says which. Returns what went wrong, or null.</summary>
    public string? Play(LitmusRun run, Explorer explorer, Func<int, int> choose)
    {
        _order.Clear();
        while (_threads.Count < run.Threads.Count) _threads.Add(new DrivenThread(_threads.Count));
        List<DrivenThread> all = _threads.GetRange(0, run.Threads.Count);
        for (int i = 0; i < all.Count; i++) all[i].Begin(run.Threads[i], explorer, all);
        string? violation = Drive(all, explorer.MaxPreemptions, choose);
        if (violation is not null)
        {
            foreach (DrivenThread t in all) t.Abandon();
            return violation;
        }

        try
        {
            run.AtEnd?.Invoke();
            return null;
        }
        catch (LitmusViolation e)
        {
            return e.Message;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (DrivenThread t in _threads) t.Dispose();
    }

    private string? Drive(List<DrivenThread> all, int maxPreemptions, Func<int, int> choose)
    {
        DrivenThread? last = null;
        List<(DrivenThread Thread, bool IsDrain)> ways = [];
        int preemptions = 0, looks = 0;
        for (int step = 0; step < MaxSteps; step++)
        {
            ways.Clear();

            // The first way is to go on: so the first run has no switch that is not needed.
            bool goesOn = last is { CanGo: true };
            if (goesOn) ways.Add((last!, false));
            foreach (DrivenThread t in all)
            {
                if (t.CanGo && (t != last || !goesOn) && (!goesOn || preemptions < maxPreemptions)) ways.Add((t, false));
            }

            foreach (DrivenThread t in all)
            {
                if (t.PendingStores > 0) ways.Add((t, true));
            }

            if (ways.Count == 0 && looks++ < MaxLooks && all.FindAll(static t => t.LookAgain()).Count > 0) continue;
            if (ways.Count == 0) return all.TrueForAll(static t => t.IsDone) ? null : $"deadlock at {string.Join(", ", all.Where(static t => !t.IsDone).Select(static t => t.Where))}";
            (DrivenThread thread, bool isDrain) = ways[ways.Count == 1 ? 0 : choose(ways.Count)];
            if (isDrain)
            {
                _order.Append(thread.Index).Append(".drain ");
                thread.DrainOne();
            }
            else
            {
                if (goesOn && thread != last) preemptions++;
                _order.Append(thread.Where).Append(' ');
                last = thread;
                bool hasActed = thread.Go();
                if (thread.Violation is { } violation) return violation;
                if (!hasActed) continue;
            }

            foreach (DrivenThread t in all)
            {
                if (t != thread || isDrain) t.SomethingHappened();
            }
        }

        return $"no end after {MaxSteps} steps";
    }
}
