namespace Mergeflow.PropertyTests;

/// <summary>The broken twin of <see cref="SharedSync"/> that adds a tuple without claiming it.</summary>
internal readonly struct WithoutClaims : IConnSync
{
    /// <inheritdoc/>
    public static bool IsShared => true;

    /// <inheritdoc/>
    public static bool LocksRecords => true;

    /// <inheritdoc/>
    public static bool ClaimsTuples => false;

    /// <inheritdoc/>
    public static bool ChecksMisses => true;

    /// <inheritdoc/>
    public static bool LeavesNotes => true;

    /// <inheritdoc/>
    public static bool SwapsCounts => true;
}
