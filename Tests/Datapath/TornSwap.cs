using Mergeflow.Native;

namespace Mergeflow.Tests;

/// <summary>The broken twin of <see cref="AtomicSwap"/>: looks, waits a little, then writes.</summary>
internal readonly struct TornSwap : IWordSwap
{
    public static bool TrySwap(ref ulong word, ulong to, ulong from)
    {
        if (Volatile.Read(ref word) != from) return false;
        Thread.SpinWait(20);
        Volatile.Write(ref word, to);
        return true;
    }
}
