namespace Mergeflow.Perf;

/// <summary>What a packet thread has done for control. Written by the thread, read by others.</summary>
public sealed class PollMarks
{
    private readonly Lock _lock = new();
    private (long Calls, long Ns) _answers;
    private (long Calls, long BeginNs) _underWay;

    /// <summary>Parts of calls that are over, and its processor time, ns, from the beginning of the poll with the first part of a call to the end of that with the last.</summary>
    public (long Calls, long Ns) Answers
    {
        get
        {
            lock (_lock) return _answers;
        }
    }

    /// <summary>In a poll the thread has done parts of a call.</summary>
    public void Called(long beginNs, long endNs, long calls, bool answered)
    {
        lock (_lock)
        {
            _underWay = (_underWay.Calls + calls, _underWay.Calls == 0 ? beginNs : _underWay.BeginNs);
            if (!answered) return;
            _answers = (_answers.Calls + _underWay.Calls, _answers.Ns + endNs - _underWay.BeginNs);
            _underWay = default;
        }
    }
}
