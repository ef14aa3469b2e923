using System.Globalization;
using System.Text;

namespace Mergeflow.Control;

/// <summary>How often things have happened, and at which rate (OVS <c>lib/coverage.c</c>): the last 5 s, minute and hour, from samples that are taken every 5 s.</summary>
public sealed class CoverageHistory
{
    /// <summary>Between two samples, ms.</summary>
    public const int PeriodMs = 5000;

    private const int SamplesPerMinute = 12;
    private const int SamplesPerHour = 720;

    private readonly SortedDictionary<string, Counter> _counters = new(StringComparer.Ordinal);
    private long _dueMs = long.MinValue;

    /// <summary>Takes a sample when it is time.</summary>
    /// <param name="nowMs">Time.</param>
    /// <param name="counts">What has been counted since the beginning.</param>
    public void Sample(long nowMs, IEnumerable<(string Name, ulong Count)> counts)
    {
        if (nowMs < _dueMs) return;
        _dueMs = nowMs + PeriodMs;
        foreach ((string name, ulong count) in counts)
        {
            if (!_counters.TryGetValue(name, out Counter? counter)) _counters.Add(name, counter = new Counter());
            counter.Sample(count);
        }
    }

    /// <summary>The last sample of a counter; null = there is none of that name.</summary>
    public ulong? Read(string name) => _counters.TryGetValue(name, out Counter? counter) ? counter.Total : null;

    /// <summary>As <c>coverage/show</c> prints it: counters that have never counted are only summed up.</summary>
    public string Show()
    {
        KeyValuePair<string, Counter>[] hit = [.. _counters.Where(static c => c.Value.Total > 0)];
        uint hash = 2166136261;
        foreach (char c in string.Join('\n', hit.Select(static h => h.Key))) hash = (hash ^ c) * 16777619;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"Event coverage, avg rate over last: 5 seconds, last minute, last hour,  hash={hash:x8}:\n");
        foreach ((string name, Counter counter) in hit)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name,-24} {counter.Over(1) / 5,5:F1}/sec {counter.Over(SamplesPerMinute) / 60,9:F3}/sec {counter.Over(SamplesPerHour) / 3600,13:F4}/sec   total: {counter.Total}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"{_counters.Count - hit.Length} events never hit\n");
        return text.ToString();
    }

    private sealed class Counter
    {
        private readonly ulong[] _grown = new ulong[SamplesPerHour];
        private int _next;

        public ulong Total { get; private set; }

        /// <summary>A counter that has begun anew has grown by what it shows.</summary>
        public void Sample(ulong count)
        {
            _grown[_next] = count >= Total ? count - Total : count;
            _next = (_next + 1) % SamplesPerHour;
            Total = count;
        }

        public double Over(int samples)
        {
            double sum = 0;
            for (int i = 1; i <= samples; i++) sum += _grown[(_next - i + SamplesPerHour) % SamplesPerHour];
            return sum;
        }
    }
}
