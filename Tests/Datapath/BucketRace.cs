using Mergeflow.Native;

namespace Mergeflow.Tests;

/// <summary>
/// Several threads take from one bucket while the clock moves. The time that each step gives is known, so the number of packets that pass is too: never one more than there was room for, never one lost.
/// </summary>
internal sealed class BucketRace : IDisposable
{
    public const int Threads = 4;
    public const int PacketsPerThread = 200_000;
    private const int PacketsPerMs = 400;
    private const int HeldMs = 20;

    private readonly ManualResetEventSlim _looked = new(), _wentOn = new();
    private long _nowMs;

    /// <summary>The clock of all threads.</summary>
    public long NowMs => Volatile.Read(ref _nowMs);

    /// <summary>How many packets have passed when all threads have ended.</summary>
    /// <param name="admit">A packet at a time, ms.</param>
    /// <param name="tears">The first thread stands between looking and writing while the others go on for some ms; the swap is a <see cref="TornSwap"/>.</param>
    public long Play(Func<long, bool> admit, bool tears)
    {
        long passed = 0;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(t => new Thread(() => Interlocked.Add(ref passed, Take(t, admit, tears))))];
        foreach (Thread one in threads) one.Start();
        foreach (Thread one in threads) one.Join();
        return passed;
    }

    public void Dispose()
    {
        _looked.Dispose();
        _wentOn.Dispose();
    }

    private long Take(int thread, Func<long, bool> admit, bool tears)
    {
        if (tears) Begin(thread);
        long mine = 0;
        for (int i = 0; i < PacketsPerThread; i++)
        {
            long now = i % PacketsPerMs == 0 ? Interlocked.Increment(ref _nowMs) : NowMs;
            if (admit(now)) mine++;
            if (thread != 0 && i == PacketsPerMs * HeldMs) _wentOn.Set();
        }

        return mine;
    }

    private void Begin(int thread)
    {
        if (thread != 0)
        {
            _looked.Wait();
            return;
        }

        TornSwap.Interrupt(() =>
        {
            _looked.Set();
            _wentOn.Wait();
        });
    }
}
