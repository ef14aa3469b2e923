namespace Mergeflow.Native;

/// <summary>
/// The lock of a thread that works in slices, and of guests who want in between. A guest waits for the slice under way, not for the work: a plain lock lets its owner take it again before whoever sleeps at it
/// has woken, for up to 100 ms at a time (<see cref="Lock"/>).
/// </summary>
/// <remarks>
/// Protocol. A guest: 1. counts itself; 2. takes the lock; 3. is not counted any more. The worker: a. waits in front of each slice while guests are counted, though not for ever: a guest may have lost its processor; b. takes
/// the lock; c. looks between two pieces of its slice whether a guest is counted, and ends the slice if so.
/// </remarks>
public class SliceLock
{
    /// <summary>Turns for which the worker waits for guests that do not come, some of them with its processor given away.</summary>
    private const int MostTurns = 200;

    private readonly Lock _lock = new();
    private int _guests;

    /// <summary>Step c: somebody waits for the slice to end.</summary>
    public bool HasGuests
    {
        get
        {
            Interleaving.Step("Gc guests");
            return Volatile.Read(ref _guests) > 0;
        }
    }

    /// <summary>Steps a and b: a slice begins; it ends with <see cref="Exit"/>.</summary>
    public void EnterSlice()
    {
        SpinWait spin = default;
        for (int turn = 0; HasGuests && turn < MostTurns; turn++) Interleaving.Spin(ref spin, "Ga wait");
        Interleaving.Enter(_lock, "Gb lock");
    }

    /// <summary>Steps 1 to 3.</summary>
    public void EnterAsGuest()
    {
        Announce();
        try
        {
            Interleaving.Enter(_lock, "G2 lock");
        }
        finally
        {
            Arrived();
        }
    }

    /// <summary>Lets the next one in.</summary>
    public void Exit()
    {
        Interleaving.Step("G4 out");
        _lock.Exit();
    }

    /// <summary>Step 1.</summary>
    protected virtual void Announce()
    {
        Interleaving.Atomic("G1 guest");
        Interlocked.Increment(ref _guests);
    }

    /// <summary>Step 3.</summary>
    protected virtual void Arrived()
    {
        Interleaving.Atomic("G3 here");
        Interlocked.Decrement(ref _guests);
    }
}
