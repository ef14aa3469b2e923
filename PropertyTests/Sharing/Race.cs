using System.Runtime.ExceptionServices;

namespace Mergeflow.PropertyTests;

/// <summary>Real threads that begin at the same moment.</summary>
internal static class Race
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(2);

    /// <summary>Runs <paramref name="body"/> on <paramref name="count"/> threads, 0 first; throws what the first of them has thrown.</summary>
    public static void Run(int count, Action<int> body, TimeSpan? longest = null)
    {
        using var start = new Barrier(count);
        var faults = new ExceptionDispatchInfo?[count];
        Thread[] threads = [.. Enumerable.Range(0, count).Select(i => new Thread(() =>
        {
            try
            {
                start.SignalAndWait();
                body(i);
            }
            catch (Exception e)
            {
                faults[i] = ExceptionDispatchInfo.Capture(e);
            }
        })
        { IsBackground = true, Name = $"race {i}" })];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads)
        {
            if (!thread.Join(longest ?? s_longest)) throw new InvalidOperationException($"{thread.Name} does not end");
        }

        foreach (ExceptionDispatchInfo? fault in faults) fault?.Throw();
    }
}
