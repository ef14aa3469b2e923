namespace Mergeflow.Engine.Lookup;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class ExactMatchCache
{
    /// <summary>Number of entries of the current epoch (walks the table; for reports).</summary>
    public int CountCurrent()
    {
        int n = 0;
        for (ulong i = 0; i < _entryMask + Ways; i++)
        {
            if (IsCurrent(_entries + (i * EntryBytes))) n++;
        }
        return n;
    }
}
