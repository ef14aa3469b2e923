using System.Runtime.ExceptionServices;
using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// What control has a packet thread do between two batches: only that thread touches its tables. While no thread is attached the caller does it itself. One call at a
/// time; who waits for it knows that every batch that was under way before has ended.
/// </summary>
/// <remarks>
/// Protocol. 1. Control stores the call, and wakes the thread if it sleeps. 2. The thread sees it between two batches, does it, and stores the result. 3. It takes the call away (release). 4. Control
/// sees that it is gone (acquire) and reads the result. A thread that ends does what is left, and lets go under the lock under which control looks whether there is one.
/// </remarks>
public sealed class PmdCalls(Action? before = null) : IPoller
{
    private readonly Lock _lock = new();
    private bool _isAttached;
    private WakeLatch? _latch;
    private Func<int>? _call;
    private int _result;
    private ExceptionDispatchInfo? _failure;

    /// <inheritdoc/>
    public string Name => "calls";

    /// <summary>From now on a thread steps this; <paramref name="latch"/> wakes it, null = it does not sleep.</summary>
    public void Attach(WakeLatch? latch = null)
    {
        lock (_lock) (_isAttached, _latch) = (true, latch);
    }

    /// <summary>The thread ends: by the thread itself.</summary>
    public void Detach()
    {
        lock (_lock)
        {
            _isAttached = false;
            Run();
        }
    }

    /// <summary>Step 1.</summary>
    public void Begin(Func<int> call)
    {
        Interleaving.Step("Y1 call");
        lock (_lock)
        {
            Volatile.Write(ref _call, call);
            if (_isAttached) _latch?.Set();
            else Run();
        }
    }

    /// <summary>Step 4.</summary>
    public void Wait()
    {
        var spin = new SpinWait();
        while (Volatile.Read(ref _call) is not null)
        {
            // A packet thread answers within a batch: whoever waits does not sleep.
            if (Interleaving.IsOn) Interleaving.Wait(ref spin, "Y4 gone");
            else spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary><see cref="Wait"/>; what the call has returned; throws what it has thrown.</summary>
    public int End()
    {
        Wait();
        _failure?.Throw();
        return _result;
    }

    /// <summary>Steps 2 and 3.</summary>
    public int Step(long nowMs)
    {
        Interleaving.Step("Y2 call");
        return Run();
    }

    /// <summary>Nothing: <see cref="Begin"/> sets the latch.</summary>
    public void BeforeSleep(PollSet set, long nowMs)
    {
    }

    private int Run()
    {
        if (Volatile.Read(ref _call) is not { } call) return 0;
        _failure = null;
        try
        {
            before?.Invoke();
            _result = call();
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }

        Volatile.Write(ref _call, null);
        return 1;
    }
}
