namespace Mergeflow.Control.OpenFlow;

/// <summary>
/// Whether a switch is on its own because no controller has been there for three probe intervals, and it is not to stand still (fail mode standalone; OVS <c>fail-open.c</c>). For one thread.
/// </summary>
internal sealed class OfFailOpen
{
    /// <summary>Silence, an answer to a probe, a new connection: each may take an interval.</summary>
    private const int ProbesUntilOpen = 3;
    private const int TellEveryMs = 2000;

    private long _tellMs;

    /// <summary>It is on its own.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Looks again.</summary>
    /// <param name="failureSeconds">For how long no controller has been there.</param>
    /// <param name="probeMs">Longest interval of probes.</param>
    /// <returns>It has just begun to be on its own, or has just ended.</returns>
    public bool Changes(int failureSeconds, int probeMs)
    {
        bool isOpen = IsOpen ? failureSeconds > 0 : failureSeconds > 0 && failureSeconds >= ProbesUntilOpen * probeMs / 1000;
        if (isOpen == IsOpen) return false;
        IsOpen = isOpen;
        return true;
    }

    /// <summary>A controller that has connected, and has not taken the switch over, is to be told of a packet every two seconds, so that it has something to decide about.</summary>
    public bool Tells(bool isConnected, long nowMs)
    {
        if (!IsOpen || !isConnected)
        {
            _tellMs = nowMs + TellEveryMs;
            return false;
        }

        if (nowMs < _tellMs) return false;
        _tellMs = nowMs + TellEveryMs;
        return true;
    }

    /// <summary>It is over.</summary>
    public void End() => IsOpen = false;
}
