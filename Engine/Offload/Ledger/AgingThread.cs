using Mergeflow.Engine.Ledger;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>Keeps hardware and software in step: polls rule counters in slices and credits the differences to megaflows and connections.</summary>
public sealed class AgingThread : IPoller
{
    private readonly OffloadThread _offload;
    private readonly int _rulesPerStep;
    private readonly int _periodMs;
    private long _sliceDueMs = long.MinValue;
    private int _left;

    /// <summary>An aging poller.</summary>
    /// <param name="offload">Whose rules.</param>
    /// <param name="rulesPerStep">Rules read per step.</param>
    /// <param name="periodMs">How often every rule is read, ms; well below the shortest idle timeout.</param>
    public AgingThread(OffloadThread offload, int rulesPerStep = 256, int periodMs = 100)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rulesPerStep, 1);
        _offload = offload;
        _rulesPerStep = rulesPerStep;
        _periodMs = periodMs;
    }

    /// <inheritdoc/>
    public string Name => "aging";

    /// <inheritdoc/>
    public int Step(long nowMs)
    {
        nowMs = _offload.Clock.Of(nowMs);
        if (_left <= 0)
        {
            if (nowMs < _sliceDueMs) return 0;
            _sliceDueMs = nowMs + _periodMs;
            _left = _offload.RuleCount;
            if (_left == 0) return 0;
        }

        _left -= _rulesPerStep;
        return _offload.PollCounters(_rulesPerStep, nowMs);
    }

    /// <inheritdoc/>
    public void BeforeSleep(PollSet set, long nowMs) => set.AtMost(_left > 0 ? 0 : _sliceDueMs - _offload.Clock.Of(nowMs));
}
