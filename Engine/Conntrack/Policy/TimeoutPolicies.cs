using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Conntrack;

public sealed unsafe partial class ConnTracker
{
    private const int TimeoutRowMax = 4096;
    private const int TimeoutRowStride = 16;

    /// <summary>Rows of timeouts in ms, one per policy id ever met; row 0 is the default policy.</summary>
    private readonly long* _timeouts;
    private readonly Dictionary<uint, ushort> _timeoutRows = [];

    /// <summary>Adds a timeout policy or replaces it; connections under it follow from their next packet on.</summary>
    /// <exception cref="ArgumentException">Too many policies.</exception>
    public void SetTimeoutPolicy(CtTimeoutPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        long* row = _timeouts + (RowOf(policy.Id) * TimeoutRowStride);
        FillDefaults(row);
        foreach ((CtTimeout timeout, uint seconds) in policy.Seconds) row[(int)timeout] = seconds * 1000L;
    }

    /// <summary>Removes a policy: its connections go back to the default timeouts from their next packet on.</summary>
    public bool RemoveTimeoutPolicy(uint id)
    {
        if (!_timeoutRows.TryGetValue(id, out ushort row)) return false;
        FillDefaults(_timeouts + (row * TimeoutRowStride));
        return true;
    }

    private void InitTimeouts(IReadOnlyList<CtTimeoutPolicy> policies)
    {
        _timeoutRows[0] = 0;
        FillDefaults(_timeouts);
        foreach (CtTimeoutPolicy policy in policies) SetTimeoutPolicy(policy);
    }

    private static void FillDefaults(long* row)
    {
        for (int i = 0; i < CtTimeoutPolicy.Count; i++) row[i] = CtTimeoutPolicy.DefaultSeconds((CtTimeout)i) * 1000L;
    }

    /// <summary>Row of a policy id; an id nobody defined yet gets a row of defaults.</summary>
    private ushort RowOf(uint id)
    {
        if (id == 0) return 0;
        if (_timeoutRows.TryGetValue(id, out ushort row)) return row;
        if (_timeoutRows.Count >= TimeoutRowMax) return 0;
        row = (ushort)_timeoutRows.Count;
        _timeoutRows[id] = row;
        FillDefaults(_timeouts + (row * TimeoutRowStride));
        return row;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long TimeoutMs(ConnRecord* c, CtTimeout timeout) => _timeouts[(c->TimeoutRow * TimeoutRowStride) + (int)timeout];

    /// <summary>Sets when a connection expires; one that expires earlier than thought moves in the wheel, a later one is moved when its slot comes up.</summary>
    private void SetExpiry(int id, CtTimeout timeout, long nowMs)
    {
        ConnRecord* c = Conn(id);
        long expiryMs = nowMs + TimeoutMs(c, timeout);
        bool earlier = expiryMs < c->ExpiryMs;
        c->ExpiryMs = expiryMs;
        if (earlier) WheelMove(id);
    }
}
