using System.Diagnostics;

namespace Mergeflow.Tests;

/// <summary>
/// Runs producers and one consumer on threads of their own and checks what every correct queue keeps: each record arrives once, whole,
/// and in the order its producer sent it. Stops at the first violation, which is the finding.
/// </summary>
internal static class RingLitmus
{
    /// <returns>Null, or what went wrong.</returns>
    public static string? Run(IRecordQueue queue, int producers, long recordsEach, TimeSpan limit)
    {
        long startedAt = Stopwatch.GetTimestamp();
        string? finding = null;
        bool stop = false;
        var threads = new Thread[producers];
        for (int p = 0; p < producers; p++)
        {
            int producer = p;
            threads[p] = new Thread(() => Produce(producer)) { IsBackground = true };
        }

        foreach (Thread thread in threads) thread.Start();
        long[] next = new long[producers];
        long left = producers * recordsEach;
        var spinner = new SpinWait();
        while (left > 0)
        {
            if (!queue.TryDequeue(out RingRecord record))
            {
                spinner.SpinOnce(sleep1Threshold: -1);
                if (Stopwatch.GetElapsedTime(startedAt) > limit)
                {
                    finding = $"{left} records did not arrive";
                    break;
                }

                continue;
            }

            spinner.Reset();
            finding = Judge(record, next);
            if (finding != null) break;
            left--;
        }

        Volatile.Write(ref stop, true);
        foreach (Thread thread in threads) thread.Join();
        return finding ?? (queue.TryDequeue(out _) ? "a record too many" : null);

        void Produce(int producer)
        {
            var full = new SpinWait();
            for (long number = 0; number < recordsEach; number++)
            {
                RingRecord record = RingRecord.Of(producer, number);
                while (!queue.TryEnqueue(in record))
                {
                    if (Volatile.Read(ref stop)) return;
                    full.SpinOnce(sleep1Threshold: -1);
                }

                full.Reset();
            }
        }
    }

    private static string? Judge(RingRecord record, long[] next)
    {
        if (!record.IsWhole) return $"torn or never written: {record}";
        if ((uint)record.Producer >= (uint)next.Length) return $"unknown producer: {record}";
        long expected = next[record.Producer]++;
        if (record.Number == expected) return null;
        return record.Number < expected ? $"record {record.Number} again, {expected} expected" : $"records {expected}..{record.Number - 1} lost";
    }
}
