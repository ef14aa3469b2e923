namespace Mergeflow.Native;

/// <summary>What ends the sleep of an idle thread: descriptors that become readable, and a time (OVS <c>poll_fd_wait</c>, <c>poll_timer_wait</c>). Filled anew before each sleep, by the thread itself.</summary>
public sealed class PollSet
{
    /// <summary>Nobody sleeps longer, ms: what nobody waits for is looked at that often.</summary>
    public const int LongestMs = 100;

    private int[] _descriptors = new int[4];

    /// <summary>Descriptors so far.</summary>
    public ReadOnlySpan<int> Descriptors => _descriptors.AsSpan(0, Count);

    /// <summary>How many they are.</summary>
    public int Count { get; private set; }

    /// <summary>Longest sleep, ms; 0 = none.</summary>
    public int TimeoutMs { get; private set; } = LongestMs;

    /// <summary>Back to no descriptor and <see cref="LongestMs"/>.</summary>
    public void Clear() => (Count, TimeoutMs) = (0, LongestMs);

    /// <summary>The sleep ends when <paramref name="descriptor"/> is readable, or has an error.</summary>
    public void Add(int descriptor)
    {
        if (Count == _descriptors.Length) Array.Resize(ref _descriptors, 2 * Count);
        _descriptors[Count++] = descriptor;
    }

    /// <summary>The sleep ends after <paramref name="ms"/> at the latest; negative counts as 0.</summary>
    public void AtMost(long ms) => TimeoutMs = (int)Math.Clamp(ms, 0, TimeoutMs);
}
