namespace Mergeflow.PropertyTests;

/// <summary>The broken twin of <see cref="SharedSync"/> that believes that what it has not found is not there.</summary>
internal readonly struct WithoutVersions : IConnSync
{
    /// <inheritdoc/>
    public static bool IsShared => true;

    /// <inheritdoc/>
    public static bool LocksRecords => true;

    /// <inheritdoc/>
    public static bool ClaimsTuples => true;

    /// <inheritdoc/>
    public static bool ChecksMisses => false;

    /// <inheritdoc/>
    public static bool LeavesNotes => true;

    /// <inheritdoc/>
    public static bool SwapsCounts => true;
}
