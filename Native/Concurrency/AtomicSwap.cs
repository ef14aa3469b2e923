using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>The compare-and-swap of the processor.</summary>
public readonly struct AtomicSwap : IWordSwap
{
    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TrySwap(ref ulong word, ulong to, ulong from) => Interlocked.CompareExchange(ref word, to, from) == from;
}
