using System.Runtime.ExceptionServices;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Upcall;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// What control has a packet thread do between two batches: only that thread touches its tables. While no thread is attached the caller does it itself. One call at a
/// time; who waits for it knows that every batch that was under way before has ended.
/// </summary>
/// <remarks>
/// Protocol. 1. Control stores the call, and wakes the thread if it sleeps. 2. The thread sees it between two batches, does it, and stores the result. 3. It takes the call away (release). 4. Control
/// sees that it is gone (acquire) and reads the result. It spins for a moment, then sleeps until the thread wakes it behind step 3 (<see cref="WakeLatch"/>): where both share a processor, the thread runs at once. A call that returns <see cref="Slice.NotYet"/> stays for the next time, with a batch in between. A thread that ends does what is left, and lets go under the lock under which control looks whether there is one.
/// </remarks>
public class PmdCalls(Action? before = null) : IPoller, IDisposable
{
    /// <summary>Less than a sleep takes, and more than a batch.</summary>
    private const long SpinNs = 10_000;

    private readonly Lock _lock = new();
    private bool _isAttached;
    private WakeLatch? _latch;

    /// <summary>Control waits for the answer; null until a thread is attached.</summary>
    private WakeLatch? _answered;
    private readonly PollSet _sleep = new();
    private ulong _busyAtAnswer;
    private Func<int>? _call;
    private int _result;
    private ExceptionDispatchInfo? _failure;

    /// <inheritdoc/>
    public string Name => "calls";

    /// <summary>Moves when the thread has packets: one that has none is asleep soon, and need not make way for whom it wakes; null = it always has.</summary>
    public Func<ulong>? Busy { get; init; }

    /// <summary>Calls so far, those that were made again counted each time. Of the thread that makes them.</summary>
    public long Made { get; private set; }

    /// <summary>Calls that are over.</summary>
    public long Answered { get; private set; }

    /// <summary>Control has a call that is not answered.</summary>
    public bool IsCalled => Volatile.Read(ref _call) is not null;

    /// <summary>A thread steps this; else who calls does it himself.</summary>
    public bool IsAttached
    {
        get
        {
            using (Interleaving.Enter(_lock, "Y6 attached")) return _isAttached;
        }
    }

    /// <summary>From now on a thread steps this; <paramref name="latch"/> wakes it, null = it does not sleep.</summary>
    public void Attach(WakeLatch? latch = null)
    {
        using (Interleaving.Enter(_lock, "Y0 attach"))
        {
            _answered ??= new WakeLatch();
            (_isAttached, _latch) = (true, latch);
        }
    }

    /// <summary>The thread ends: by the thread itself.</summary>
    public void Detach()
    {
        using (Interleaving.Enter(_lock, "Y5 let go"))
        {
            _isAttached = false;
            FinishWhatIsLeft();
        }
    }

    /// <summary>Step 1.</summary>
    public void Begin(Func<int> call)
    {
        using (Interleaving.Enter(_lock, "Y1 call"))
        {
            Volatile.Write(ref _call, call);
            if (_isAttached) _latch?.Set();
            else Run(isThread: false);
        }
    }

    /// <summary>Step 4.</summary>
    public void Wait()
    {
        long endNs = Interleaving.IsOn ? 0 : MonotonicClock.NowNs + SpinNs;
        while (!IsAnswered)
        {
            if (MonotonicClock.NowNs < endNs)
            {
                Thread.SpinWait(20);
                continue;
            }

            _answered!.Announce();
            if (IsAnswered) _answered.Cancel();
            else _answered.Sleep(_sleep);
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
        return Run(isThread: true);
    }

    /// <summary>Nothing: <see cref="Begin"/> sets the latch.</summary>
    public void BeforeSleep(PollSet set, long nowMs)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _answered?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>What was called before the thread let go, and it has not seen.</summary>
    protected virtual void FinishWhatIsLeft() => Run(isThread: false);

    /// <summary>Step 3.</summary>
    protected virtual void Answer()
    {
        TakeAway();
        Wake();
    }

    /// <summary>The call is done.</summary>
    protected void TakeAway()
    {
        Answered++;
        Interleaving.Step("Y3 gone");
        Volatile.Write(ref _call, null);
    }

    /// <summary>Control need not sleep.</summary>
    protected void Wake()
    {
        ulong busy = Busy?.Invoke() ?? _busyAtAnswer + 1;
        bool isBusy = busy != _busyAtAnswer;
        _busyAtAnswer = busy;

        // Whoever was asleep may be on this processor, which it would get when a slice of the scheduler has passed.
        if (_answered?.Set() == true && isBusy && !Interleaving.IsOn) Thread.Yield();
    }

    private bool IsAnswered
    {
        get
        {
            Interleaving.Step("Y4 gone");
            return Volatile.Read(ref _call) is null;
        }
    }

    private int Run(bool isThread)
    {
        if (Volatile.Read(ref _call) is not { } call) return 0;
        _failure = null;
        Made++;
        try
        {
            before?.Invoke();
            _result = isThread ? call() : Slice.Finish(call);
            if (_result == Slice.NotYet) return 1;
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }

        Answer();
        return 1;
    }
}
