using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>
/// Names the accesses of a lock-free protocol where they are made, so that a test can run the real code in every order of them. In a process that
/// was not started with the runtime option <c>Mergeflow.Interleaving</c> it is nothing: <see cref="IsOn"/> is a constant to the compiler.
/// </summary>
/// <remarks>
/// A step stands immediately before its access. Plain and acquire loads, and stores that may as well be seen at once: <see cref="Step"/>. Locked
/// instructions: <see cref="Atomic"/>. Stores whose delay matters: <see cref="Store"/>. Fences: <see cref="Fence"/>, <see cref="FenceAll"/>.
/// Loops that wait for another thread: <see cref="Wait"/>.
/// </remarks>
public static class Interleaving
{
    /// <summary>Whether threads can be driven at all.</summary>
    public static readonly bool IsOn = AppContext.TryGetSwitch("Mergeflow.Interleaving", out bool isOn) && isOn;

    [ThreadStatic]
    private static IInterleaver? t_driver;

    /// <summary>Somebody decides when the calling thread goes on: it must not block anywhere but in <see cref="Wait"/>.</summary>
    public static bool IsDriven => IsOn && t_driver is not null;

    /// <summary>From now on <paramref name="driver"/> decides when the calling thread goes on; null = nobody does.</summary>
    public static void Drive(IInterleaver? driver) => t_driver = driver;

    /// <summary>A load, or a store that is seen at once, comes next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Step(string step)
    {
        if (IsOn) t_driver?.Step(step);
    }

    /// <summary>A locked instruction comes next: it is a fence too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Atomic(string step)
    {
        if (IsOn) Driven(step);
    }

    /// <summary>Release store. In a driven thread it may stay in the store buffer: <paramref name="word"/> must not move in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ref int word, int value, string step)
    {
        if (IsOn && Delayed(ref word, value, step)) return;
        Volatile.Write(ref word, value);
    }

    /// <summary>The same for a word of 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ref long word, long value, string step)
    {
        if (IsOn && Delayed(ref word, value, step)) return;
        Volatile.Write(ref word, value);
    }

    /// <summary>Full fence of the calling thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fence(string step)
    {
        if (IsOn) Driven(step);
        Interlocked.MemoryBarrier();
    }

    /// <summary>Full fence of every thread of the process, membarrier(2).</summary>
    public static void FenceAll(string step)
    {
        if (IsOn && t_driver is { } driver)
        {
            driver.Step(step);
            driver.FenceAll(step);
        }

        Interlocked.MemoryBarrierProcessWide();
    }

    /// <summary>One turn of a loop that waits for another thread.</summary>
    public static void Wait(ref SpinWait spin, string step)
    {
        if (IsOn && t_driver is { } driver) driver.Wait(step);
        else spin.SpinOnce();
    }

    /// <summary>The same of a loop that looks at several things in turn, one of which may have changed since it was looked at; such a loop never sleeps.</summary>
    public static void Spin(ref SpinWait spin, string step)
    {
        if (IsOn && t_driver is { } driver) driver.Spin(step);
        else spin.SpinOnce(sleep1Threshold: -1);
    }

    /// <summary>Takes a lock within which there are marked accesses, until the end of what is returned: who waits for it waits where it can be driven.</summary>
    public static Held Enter(Lock gate, string step)
    {
        if (!IsDriven)
        {
            gate.Enter();
            return new Held(gate);
        }

        Step(step);
        for (SpinWait spin = default; !gate.TryEnter();) Wait(ref spin, step);
        return new Held(gate);
    }

    /// <summary>A lock that is held.</summary>
    public readonly ref struct Held(Lock gate)
    {
        /// <summary>Lets go.</summary>
        public void Dispose() => gate.Exit();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Driven(string step)
    {
        if (t_driver is not { } driver) return;
        driver.Step(step);
        driver.Fence(step);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Delayed(ref long word, long value, string step)
    {
        if (t_driver is not { } driver) return false;
        driver.Step(step);
        if (driver.Stores is not { } stores) return false;
        stores.Add(ref word, value);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Delayed(ref int word, int value, string step)
    {
        if (t_driver is not { } driver) return false;
        driver.Step(step);
        if (driver.Stores is not { } stores) return false;
        stores.Add(ref word, value);
        return true;
    }
}
