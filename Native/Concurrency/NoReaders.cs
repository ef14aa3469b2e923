namespace Mergeflow.Native;

/// <summary>The grace period of a single-threaded runtime: between two steps nobody holds a reference.</summary>
public sealed class NoReaders : IGracePeriod
{
    /// <summary>The only instance needed.</summary>
    public static NoReaders Instance { get; } = new();

    /// <inheritdoc/>
    public ulong Begin() => 0;

    /// <inheritdoc/>
    public bool HasPassed(ulong point) => true;
}
