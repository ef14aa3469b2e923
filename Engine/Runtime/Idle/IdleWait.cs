using System.Diagnostics;

namespace Mergeflow.Engine.Runtime;

/// <summary>One thread's way from busy to sleep, see <see cref="IdleOptions"/>.</summary>
internal sealed class IdleWait(IdleOptions options)
{
    private static readonly double s_ticksPerUs = Stopwatch.Frequency / 1e6;

    /// <summary>When it last had something to do, or woke; 0 = just now.</summary>
    private long _since;
    private int _spinUs = options.MaxSpinUs;

    /// <summary>It had something to do.</summary>
    public void Worked() => _since = 0;

    /// <summary>It had nothing to do; true = it may sleep.</summary>
    public bool MaySleep()
    {
        long now = Stopwatch.GetTimestamp();
        if (_since == 0) _since = now;
        double idleUs = (now - _since) / s_ticksPerUs;
        if (idleUs < _spinUs)
        {
            Thread.SpinWait(1);
            return false;
        }

        if (options.Sleeps && idleUs >= _spinUs + options.YieldUs) return true;
        Thread.Yield();
        return false;
    }

    /// <summary>It has slept so long, ticks: had it looked a little longer, it need not have slept, or it might as well have slept at once.</summary>
    public void Slept(long ticks)
    {
        _spinUs = ticks < options.MaxSpinUs * s_ticksPerUs ? Math.Min(Math.Max(1, 2 * _spinUs), options.MaxSpinUs) : Math.Max(_spinUs / 2, options.MinSpinUs);
        _since = 0;
    }
}
