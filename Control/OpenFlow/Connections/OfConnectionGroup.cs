namespace Mergeflow.Control.OpenFlow;

/// <summary>The connections of one switch: who is primary, and whom to tell (OVS <c>struct connmgr</c>). For any thread.</summary>
public sealed class OfConnectionGroup
{
    private readonly Lock _lock = new();
    private volatile OfConnection[] _connections = [];
    private uint _xid;
    private ulong? _generation;

    /// <summary>OVS <c>BUNDLE_IDLE_TIMEOUT_DEFAULT</c>.</summary>
    public const long DefaultBundleIdleMs = 10_000;

    private long _bundleIdleMs = DefaultBundleIdleMs;

    /// <summary>A bundle that nobody has touched for so long is given up, ms.</summary>
    public long BundleIdleMs
    {
        get => Volatile.Read(ref _bundleIdleMs);
        set => Volatile.Write(ref _bundleIdleMs, value);
    }

    /// <summary>Bytes of messages that a connection may have in its bundles.</summary>
    public long MaxBundledBytes { get; init; } = 256 << 20;

    /// <summary>Called when what connections want may be another thing; null = nobody waits for it.</summary>
    internal Action? Changed { get; set; }

    /// <summary>All that are open.</summary>
    public IReadOnlyList<OfConnection> All => _connections;

    /// <summary>A number for a message that is no answer.</summary>
    internal uint NextXid() => Interlocked.Increment(ref _xid);

    internal void Add(OfConnection connection)
    {
        lock (_lock) _connections = [.. _connections, connection];
    }

    internal void Remove(OfConnection connection)
    {
        lock (_lock) _connections = [.. _connections.Where(c => c != connection)];
        Changed?.Invoke();
    }

    /// <summary>Of the last choice of a primary; all ones = there was none.</summary>
    internal ulong Generation
    {
        get
        {
            lock (_lock) return _generation ?? ulong.MaxValue;
        }
    }

    /// <summary>A choice of a primary counts only if it is not older than the one before (OVS <c>ofconn_set_primary_election_id</c>).</summary>
    internal bool TakesGeneration(ulong generation)
    {
        lock (_lock)
        {
            if (_generation is { } last && (long)(generation - last) < 0) return false;
            _generation = generation;
            return true;
        }
    }
}
