using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>How a word changes that several threads write.</summary>
public interface IWordSwap
{
    /// <summary>Puts <paramref name="to"/> in the place of <paramref name="from"/>; false if something else stands there.</summary>
    static abstract bool TrySwap(ref ulong word, ulong to, ulong from);
}

/// <summary>The compare-and-swap of the processor.</summary>
public readonly struct AtomicSwap : IWordSwap
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TrySwap(ref ulong word, ulong to, ulong from) => Interlocked.CompareExchange(ref word, to, from) == from;
}
