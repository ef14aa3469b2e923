namespace Mergeflow.PropertyTests;

/// <summary>The broken twin of <see cref="SharedSync"/> that counts in two instructions.</summary>
internal readonly struct WithoutSwaps : IConnSync
{
    /// <inheritdoc/>
    public static bool IsShared => true;

    /// <inheritdoc/>
    public static bool LocksRecords => true;

    /// <inheritdoc/>
    public static bool ClaimsTuples => true;

    /// <inheritdoc/>
    public static bool ChecksMisses => true;

    /// <inheritdoc/>
    public static bool LeavesNotes => true;

    /// <inheritdoc/>
    public static bool SwapsCounts => false;
}
