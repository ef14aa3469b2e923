namespace Mergeflow.PropertyTests;

/// <summary>The broken twin of <see cref="SharedSync"/> that looks at a record and changes it while others do.</summary>
internal readonly struct WithoutLocks : IConnSync
{
    /// <inheritdoc/>
    public static bool IsShared => true;

    /// <inheritdoc/>
    public static bool LocksRecords => false;

    /// <inheritdoc/>
    public static bool ClaimsTuples => true;

    /// <inheritdoc/>
    public static bool ChecksMisses => true;

    /// <inheritdoc/>
    public static bool LeavesNotes => true;

    /// <inheritdoc/>
    public static bool SwapsCounts => true;
}
