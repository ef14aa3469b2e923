using System.Numerics;
using System.Runtime.Intrinsics;

namespace Mergeflow.Nic;


/// <summary>Eight rows at once: one word of the key against a column of eight values and eight masks.</summary>
internal readonly struct WildcardKernelVector256 : IWildcardKernel
{
    /// <inheritdoc/>
    public static unsafe uint Match(uint* group, uint usedWords, uint* key)
    {
        Vector256<uint> differs = Vector256<uint>.Zero;
        for (uint left = usedWords; left != 0; left &= left - 1)
        {
            int word = BitOperations.TrailingZeroCount(left);
            uint* columns = group + (word * WildcardTable.GroupRows * 2);
            Vector256<uint> masked = Vector256.Create(key[word]) & Vector256.Load(columns + WildcardTable.GroupRows);
            differs |= masked ^ Vector256.Load(columns);
        }
        return Vector256.Equals(differs, Vector256<uint>.Zero).ExtractMostSignificantBits();
    }
}
