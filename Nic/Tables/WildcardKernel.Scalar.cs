using System.Numerics;

namespace Mergeflow.Nic;


/// <summary>Row by row, word by word.</summary>
internal readonly struct WildcardKernelScalar : IWildcardKernel
{
    /// <inheritdoc/>
    public static unsafe uint Match(uint* group, uint usedWords, uint* key)
    {
        uint rows = 0;
        for (int row = 0; row < WildcardTable.GroupRows; row++)
        {
            bool equal = true;
            for (uint left = usedWords; left != 0; left &= left - 1)
            {
                int word = BitOperations.TrailingZeroCount(left);
                uint* columns = group + (word * WildcardTable.GroupRows * 2);
                equal &= (key[word] & columns[WildcardTable.GroupRows + row]) == columns[row];
            }
            if (equal) rows |= 1u << row;
        }
        return rows;
    }
}
