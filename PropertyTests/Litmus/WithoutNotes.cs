namespace Mergeflow.PropertyTests;

/// <summary>The broken twin of <see cref="SharedSync"/> that tells no owner that its connection has ended.</summary>
internal readonly struct WithoutNotes : IConnSync
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
    public static bool LeavesNotes => false;

    /// <inheritdoc/>
    public static bool SwapsCounts => true;
}
