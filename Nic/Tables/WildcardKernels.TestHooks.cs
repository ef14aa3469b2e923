namespace Mergeflow.Nic;

/// <summary>Calls a kernel from code that has spans.</summary>
internal static class WildcardKernels
{
    /// <summary><see cref="IWildcardKernel.Match"/> with checked lengths.</summary>
    public static unsafe uint Match<TKernel>(ReadOnlySpan<uint> group, uint usedWords, ReadOnlySpan<uint> key)
        where TKernel : struct, IWildcardKernel
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(group.Length, NicKey.WordCount * WildcardTable.GroupRows * 2);
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, NicKey.WordCount);
        fixed (uint* g = group)
        fixed (uint* k = key)
        {
            return TKernel.Match(g, usedWords, k);
        }
    }
}
