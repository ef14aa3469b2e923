using System.Globalization;

namespace Mergeflow.Control;

/// <summary>
/// Lets no more lines of a kind into a log than people can read, whoever causes them: a token bucket, full at the beginning (OVS <c>struct vlog_rate_limit</c>). What is left out is counted, and the next line
/// that is let through comes behind one that says so. For any thread.
/// </summary>
/// <param name="log">Takes lines.</param>
/// <param name="linesPerMinute">That may come all the time.</param>
/// <param name="burst">That may come at once.</param>
/// <param name="now">The time, ms; null = since the system has started.</param>
public sealed class LogLimit(Action<string> log, int linesPerMinute, int burst, Func<long>? now = null)
{
    private const long MsPerMinute = 60_000;

    private readonly Lock _lock = new();
    private readonly Func<long> _now = now ?? (static () => Environment.TickCount64);

    /// <summary>A line costs as many as a minute has milliseconds.</summary>
    private long _tokens = burst * MsPerMinute;
    private long? _filledMs;
    private int _dropped;
    private long _firstDropMs, _lastDropMs;

    /// <summary>Writes a line, or leaves it out.</summary>
    public void Write(string line)
    {
        lock (_lock)
        {
            long nowMs = _now();
            _tokens = Math.Min(burst * MsPerMinute, _tokens + (Math.Max(0, nowMs - (_filledMs ?? nowMs)) * linesPerMinute));
            _filledMs = nowMs;
            if (_tokens < MsPerMinute)
            {
                if (_dropped++ == 0) _firstDropMs = nowMs;
                _lastDropMs = nowMs;
                return;
            }

            _tokens -= MsPerMinute;
            if (_dropped > 0)
            {
                log(string.Create(CultureInfo.InvariantCulture, $"Dropped {_dropped} log messages in last {(nowMs - _firstDropMs) / 1000} seconds (most recently, {(nowMs - _lastDropMs) / 1000} seconds ago) due to excessive rate"));
                _dropped = 0;
            }

            log(line);
        }
    }
}
