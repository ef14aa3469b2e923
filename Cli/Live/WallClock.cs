using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>Nanoseconds since 1970 of the times of <see cref="MonotonicClock"/>, as of the moment it was made.</summary>
internal sealed class WallClock
{
    private const long NsPerTick = 100;

    private readonly long _offsetNs = ((DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) * NsPerTick) - MonotonicClock.NowNs;

    /// <summary>The time of day.</summary>
    public long Of(long monotonicNs) => monotonicNs + _offsetNs;
}
