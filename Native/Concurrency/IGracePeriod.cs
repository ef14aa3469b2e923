namespace Mergeflow.Native;

/// <summary>Tells when no packet thread can still hold a reference that was unpublished earlier.</summary>
public interface IGracePeriod
{
    /// <summary>To be called after an object was unpublished; the returned point must be reached before it may be freed.</summary>
    ulong Begin();

    /// <summary>True once every reader has passed <paramref name="point"/>.</summary>
    bool HasPassed(ulong point);
}

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
