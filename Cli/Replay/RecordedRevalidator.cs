namespace Mergeflow.Cli;

/// <summary>
/// When the revalidators of the recorded Open vSwitch read statistics. Their timers were set to 10^9 ms, but each <c>time/warp</c> wakes them:
/// they start a round, unless the last one is less than 5 ms old; then they wait once more, until the next warp
/// (ofproto-dpif-upcall.c <c>udpif_revalidator</c>). After each change of the tables the recorder ran <c>revalidator/purge</c>.
/// </summary>
internal sealed class RecordedRevalidator
{
    private const long MinRoundMs = 5;

    private long _startedAtMs;
    private bool _isWaitingAgain;

    /// <summary>The clock was moved. True if that started a round.</summary>
    public bool ClockMoved(long nowMs)
    {
        if (!_isWaitingAgain && nowMs < _startedAtMs + MinRoundMs)
        {
            _isWaitingAgain = true;
            return false;
        }

        Purged(nowMs);
        return true;
    }

    /// <summary>A round begins for another reason.</summary>
    public void Purged(long nowMs) => (_startedAtMs, _isWaitingAgain) = (nowMs, false);
}
