namespace Mergeflow.Native;

/// <summary>How a word changes that several threads write.</summary>
public interface IWordSwap
{
    /// <summary>Puts <paramref name="to"/> in the place of <paramref name="from"/>; false if something else stands there.</summary>
    static abstract bool TrySwap(ref ulong word, ulong to, ulong from);
}
