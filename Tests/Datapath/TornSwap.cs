using Mergeflow.Native;

namespace Mergeflow.Tests;

/// <summary>The broken twin of <see cref="AtomicSwap"/>: looks, then writes. Once per thread, something else may happen in between.</summary>
internal readonly struct TornSwap : IWordSwap
{
    [ThreadStatic]
    private static Action? t_between;

    /// <summary>Happens in the next swap of this thread.</summary>
    public static void Interrupt(Action between) => t_between = between;

    public static bool TrySwap(ref ulong word, ulong to, ulong from)
    {
        if (Volatile.Read(ref word) != from) return false;
        Action? between = t_between;
        t_between = null;
        between?.Invoke();
        Volatile.Write(ref word, to);
        return true;
    }
}
