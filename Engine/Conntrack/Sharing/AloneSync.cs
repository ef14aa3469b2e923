namespace Mergeflow.Engine.Conntrack;

/// <summary>One packet thread: nothing is done for others.</summary>
public readonly struct AloneSync : IConnSync
{
    /// <inheritdoc/>
    public static bool IsShared => false;

    /// <inheritdoc/>
    public static bool LocksRecords => false;

    /// <inheritdoc/>
    public static bool ClaimsTuples => false;

    /// <inheritdoc/>
    public static bool ChecksMisses => false;

    /// <inheritdoc/>
    public static bool LeavesNotes => false;

    /// <inheritdoc/>
    public static bool SwapsCounts => false;

    /// <inheritdoc/>
    public static bool AsksKeepers => false;
}
