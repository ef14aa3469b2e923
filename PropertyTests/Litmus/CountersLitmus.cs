using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Packets and bytes that one thread counts and another reads, on the processor as it is: an access of 16 bytes cannot be taken apart in steps.
/// </summary>
public sealed class CountersLitmus
{
    /// <summary>A reader that has the processor of the writer lets it on now and then.</summary>
    private const long YieldMask = 1023;
    private const int LengthBytes = 100;
    private const long MinChanges = 20_000;

    /// <summary>A run of the sound counter that is going well lasts for so many changes; on a busy machine <see cref="MinChanges"/> must do.</summary>
    private const long WantedChanges = MinChanges * 50;
    private const long ManyReads = 200_000_000;

    [Fact]
    public void Credits_of_a_megaflow_are_never_read_apart()
    {
        using var table = new MegaflowTable(1, new QuiescentState());
        FlowKey key = default;
        Megaflow m = table.Add(ref key, ref key, default, 0)!;
        uint generation = m.Generation;
        Assert.True(table.TryRetain(m.Id, generation));
        (long torn, long changes) = Race(() => table.Credit(m.Id, generation, 1, LengthBytes, 0), () =>
        {
            (ulong packets, ulong bytes, _) = table.CountersOf(m);
            return (packets, bytes);
        });
        Assert.Equal(0, torn);
        Assert.True(changes >= MinChanges);
    }

    [Fact]
    public void Two_words_are_caught()
    {
        // The writer stands between its two words until both have been read.
        ulong packets = 0, bytes = 0, seen = 0;
        (long torn, _) = Race(
            () =>
            {
                Volatile.Write(ref packets, packets + 1);
                for (SpinWait spin = default; Volatile.Read(ref seen) < packets;) spin.SpinOnce();
                Volatile.Write(ref bytes, bytes + LengthBytes);
            },
            () =>
            {
                (ulong, ulong) pair = (Volatile.Read(ref packets), Volatile.Read(ref bytes));
                Volatile.Write(ref seen, pair.Item1);
                return pair;
            });
        Assert.True(torn > 0, "the broken twin was not caught");
    }

    /// <summary>Until a pair was torn, or the reader has seen so many different values. However slow the machine: both threads go on.</summary>
    private static (long Torn, long Changes) Race(Action add, Func<(ulong Packets, ulong Bytes)> read)
    {
        bool stop = false;
        var writer = new Thread(() =>
        {
            while (!Volatile.Read(ref stop)) add();
        });
        writer.Start();
        long torn = 0, changes = 0;
        ulong last = 0;
        for (long reads = 0; torn == 0 && changes < (reads < ManyReads ? WantedChanges : MinChanges); reads++)
        {
            (ulong packets, ulong bytes) = read();
            if (bytes != packets * LengthBytes) torn++;
            if (packets != last) changes++;
            else if ((reads & YieldMask) == 0) Thread.Yield();
            last = packets;
        }

        Volatile.Write(ref stop, true);

        // It may stand and wait to be read.
        while (writer.IsAlive) _ = read();
        writer.Join();
        return (torn, changes);
    }
}
