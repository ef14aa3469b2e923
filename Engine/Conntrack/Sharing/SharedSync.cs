namespace Mergeflow.Engine.Conntrack;

/// <summary>Several packet threads, or one of several.</summary>
public readonly struct SharedSync : IConnSync
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
    public static bool SwapsCounts => true;

    /// <inheritdoc/>
    public static bool AsksKeepers => true;
}
