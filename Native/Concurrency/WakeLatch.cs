using Microsoft.Win32.SafeHandles;

namespace Mergeflow.Native;

/// <summary>
/// Lets one thread sleep until a descriptor is readable, its time is up, or another thread has something for it (OVS <c>struct latch</c> and <c>poll_block</c>).
/// </summary>
/// <remarks>
/// Protocol. The sleeper: 1. says that it is asleep; 2. fences every thread of the process; 3. looks once more at everything that others may have left for it;
/// 4. sleeps if that was nothing; 5. says that it is awake. Who has something for it: a. leaves it; b. looks whether the thread is asleep; c. if so, takes the word
/// away, which one of several does, and writes to the descriptor. Step 2 is why b needs no fence behind a: either b comes after it and sees the word, or a came before it
/// and is seen in step 3. So a thread that is busy costs the others a load. On another system than Linux a sleep is a millisecond.
/// </remarks>
public sealed unsafe class WakeLatch : IDisposable
{
    private const int Word = 16;

    /// <summary>A descriptor that has nothing but an error is left out so long, ms: it would end every sleep at once.</summary>
    private const int BrokenMs = 10;

    /// <summary>On a cache line of its own: others read it after each batch. Does not move: see <see cref="Interleaving.Store"/>.</summary>
    private readonly int[] _asleep = GC.AllocateArray<int>(2 * Word, pinned: true);

    /// <summary>An eventfd; null on another system than Linux. Who writes holds it: its number may be another file's the moment it is closed.</summary>
    private readonly SafeFileHandle? _event;
    private PollDescriptor[] _descriptors = new PollDescriptor[4];

    /// <summary>A latch of a thread that is awake.</summary>
    /// <exception cref="IOException">The system has no descriptor left.</exception>
    public WakeLatch()
    {
        if (!OperatingSystem.IsLinux()) return;
        int fd = Libc.EventFd(0, Libc.EventFdNonBlocking | Libc.EventFdCloseOnExec);
        _event = fd >= 0 ? new SafeFileHandle(fd, ownsHandle: true) : throw new IOException("eventfd: no descriptor left");
    }

    /// <summary>Step b.</summary>
    public bool IsAsleep
    {
        get
        {
            Interleaving.Step("Sb asleep");
            return Volatile.Read(ref _asleep[Word]) != 0;
        }
    }

    /// <summary>Steps b and c: the thread comes back from its sleep, or does not begin it. Any thread. True if it had to be woken.</summary>
    public bool Set()
    {
        if (!IsAsleep) return false;
        Interleaving.Atomic("Sc take");
        if (Interlocked.Exchange(ref _asleep[Word], 0) == 0 || _event is null) return false;
        Interleaving.Step("Sc write");
        bool isHeld = false;
        try
        {
            _event.DangerousAddRef(ref isHeld);
            ulong one = 1;
            _ = Libc.Write((int)_event.DangerousGetHandle(), (byte*)&one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The thread has ended.
        }
        finally
        {
            if (isHeld) _event.DangerousRelease();
        }

        return true;
    }

    /// <summary>Steps 1 and 2, by the sleeper: what is left for it from now on ends the sleep.</summary>
    public void Announce()
    {
        Interleaving.Store(ref _asleep[Word], 1, "S1 asleep");
        Interleaving.FenceAll("S2");
    }

    /// <summary>Steps 4 and 5.</summary>
    public void Sleep(PollSet set)
    {
        if (_event is null) Thread.Sleep(Math.Min(1, set.TimeoutMs));
        else Block(set, (int)_event.DangerousGetHandle());
        Interleaving.Step("S5 awake");
        Volatile.Write(ref _asleep[Word], 0);
    }

    /// <summary>Step 5 without a sleep: there was something. Who has taken the word meanwhile writes all the same, which ends the next sleep at once.</summary>
    public void Cancel()
    {
        Interleaving.Step("S5 awake");
        Volatile.Write(ref _asleep[Word], 0);
    }

    /// <summary>The thread has ended.</summary>
    public void Dispose() => _event?.Dispose();

    private void Block(PollSet set, int own)
    {
        int count = set.Count + 1;
        if (_descriptors.Length < count) _descriptors = new PollDescriptor[2 * count];
        _descriptors[0] = new PollDescriptor { Fd = own, Wanted = Libc.PollIn };
        for (int i = 1; i < count; i++) _descriptors[i] = new PollDescriptor { Fd = set.Descriptors[i - 1], Wanted = Libc.PollIn };
        fixed (PollDescriptor* descriptors = _descriptors)
        {
            if (Interleaving.IsDriven)
            {
                // A run that is taken step by step has no time: who is not woken sleeps for ever.
                SpinWait spin = default;
                while (Libc.Poll(descriptors, (nuint)count, 0) == 0) Interleaving.Wait(ref spin, "S4 sleep");
            }
            else if (Libc.Poll(descriptors, (nuint)count, set.TimeoutMs) > 0 && LeaveOutBroken(descriptors, count))
            {
                _ = Libc.Poll(descriptors, (nuint)count, Math.Min(BrokenMs, set.TimeoutMs));
            }

            // A signal ends a sleep early: then the thread looks around and sleeps again. What has been written is taken, or no sleep would last.
            ulong written;
            if ((descriptors[0].Found & Libc.PollIn) != 0) _ = Libc.Read(own, (byte*)&written, sizeof(ulong));
        }
    }

    /// <summary>Nothing is readable, so all that ended the sleep are errors: poll(2) does not look at their descriptors any more.</summary>
    private static bool LeaveOutBroken(PollDescriptor* descriptors, int count)
    {
        for (int i = 0; i < count; i++)
        {
            if ((descriptors[i].Found & Libc.PollIn) != 0) return false;
        }

        for (int i = 0; i < count; i++)
        {
            if (descriptors[i].Found != 0) descriptors[i].Fd = -1;
        }

        return true;
    }
}
