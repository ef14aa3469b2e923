namespace Mergeflow.Control.Ovsdb;

/// <summary>How long to wait before the next attempt to connect (OVS <c>lib/reconnect.c</c>): 1 s, then twice as long each time, up to 8 s; from the beginning again once a connection has lasted that long.</summary>
public sealed class OvsdbBackoff
{
    /// <summary>First wait, ms.</summary>
    public const int MinMs = 1000;

    /// <summary>Longest wait, ms.</summary>
    public const int MaxMs = 8000;

    private int _nextMs;
    private long? _connectedMs;

    /// <summary>A connection is there.</summary>
    public void Connected(long nowMs) => _connectedMs = nowMs;

    /// <summary>An attempt has failed, or the connection has ended.</summary>
    /// <returns>How long to wait, ms: nothing when a connection ends that has lasted.</returns>
    public int Disconnected(long nowMs)
    {
        if (_connectedMs is { } since && nowMs - since >= Math.Max(_nextMs, MinMs)) _nextMs = 0;
        _connectedMs = null;
        int waitMs = _nextMs;
        _nextMs = Math.Clamp(2 * _nextMs, MinMs, MaxMs);
        return waitMs;
    }
}
