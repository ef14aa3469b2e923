namespace Mergeflow.Nic;

/// <summary>Compares a key with the eight rows of a group.</summary>
internal unsafe interface IWildcardKernel
{
    /// <summary>Bitmap of the rows with <c>key &amp; mask == value</c> in every word of <paramref name="usedWords"/>.</summary>
    /// <param name="group">For each word: eight values, then eight masks.</param>
    /// <param name="usedWords">Words that some row of the group looks at.</param>
    /// <param name="key">The key's words.</param>
    static abstract uint Match(uint* group, uint usedWords, uint* key);
}

/// <summary>Which code searches the wildcard table; the answers are the same.</summary>
public enum NicKernel : byte
{
    /// <summary>Vector256 where the machine has it.</summary>
    Auto,
    Scalar,
    Vector256,
}
