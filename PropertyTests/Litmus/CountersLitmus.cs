using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Packets and bytes that one thread counts and another reads, on the processor as it is: an access of 16 bytes cannot be taken apart in steps.
/// </summary>
public sealed class CountersLitmus
{
    private const int LengthBytes = 100;
    private const long MinChanges = 20_000;

    /// <summary>How often the broken twin is read before the run is given up as undecided, which is a failure.</summary>
    private const long MaxReads = 2_000_000_000;

    [Fact]
    public void Credits_of_a_megaflow_are_never_read_apart()
    {
        using var table = new MegaflowTable(1, new QuiescentState());
        FlowKey key = default;
        Megaflow m = table.Add(ref key, new XlateResult(), 0)!;
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
        ulong packets = 0, bytes = 0;
        (long torn, _) = Race(
            () =>
            {
                Volatile.Write(ref packets, packets + 1);
                Volatile.Write(ref bytes, bytes + LengthBytes);
            },
            () => (Volatile.Read(ref packets), Volatile.Read(ref bytes)));
        Assert.True(torn > 0, "the broken twin was not caught");
    }

    /// <summary>Until a pair was torn, or the reader has seen so many different values.</summary>
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
        for (long reads = 0; torn == 0 && reads < MaxReads && changes < MinChanges * 50; reads++)
        {
            (ulong packets, ulong bytes) = read();
            if (bytes != packets * LengthBytes) torn++;
            if (packets != last) changes++;
            last = packets;
        }

        Volatile.Write(ref stop, true);
        writer.Join();
        return (torn, changes);
    }
}
