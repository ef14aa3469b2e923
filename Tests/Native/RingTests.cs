using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class RingTests
{
    private const long Records = 300_000;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(600);

    /// <summary>A stuck twin shows as records that do not arrive; no need to wait long for that.</summary>
    private static readonly TimeSpan BrokenLimit = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(64)]
    public void Spsc_passes_the_litmus_test(int capacity)
    {
        using var single = new RealSpsc(capacity);
        Assert.Null(RingLitmus.Run(single, 1, Records, Limit));
        using var batched = new RealSpscBatched(capacity);
        Assert.Null(RingLitmus.Run(batched, 1, Records, Limit));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 2)]
    [InlineData(3, 64)]
    public void Mpsc_passes_the_litmus_test(int producers, int capacity)
    {
        using var ring = new RealMpsc(capacity);
        Assert.Null(RingLitmus.Run(ring, producers, Records / producers, Limit));
    }

    [Fact]
    public void Unbroken_twins_pass()
    {
        using var spsc = new BrokenSpsc(16, SpscBreakage.None);
        Assert.Null(RingLitmus.Run(spsc, 1, 20_000, Limit));
        using var mpsc = new BrokenMpsc(16, MpscBreakage.None);
        Assert.Null(RingLitmus.Run(mpsc, 3, 10_000, Limit));
    }

    [Theory]
    [InlineData(SpscBreakage.PublishedBeforeWritten)]
    [InlineData(SpscBreakage.FreedBeforeCopied)]
    [InlineData(SpscBreakage.FullNotChecked)]
    internal void Broken_spsc_twin_is_caught(SpscBreakage breakage)
    {
        using var ring = new BrokenSpsc(8, breakage);
        string? finding = RingLitmus.Run(ring, 1, Records, BrokenLimit);
        Assert.NotNull(finding);
        TestContext.Current.TestOutputHelper?.WriteLine(finding);
    }

    [Theory]
    [InlineData(MpscBreakage.ClaimNotAtomic)]
    [InlineData(MpscBreakage.PublishedBeforeWritten)]
    [InlineData(MpscBreakage.ClaimTakenForPublication)]
    [InlineData(MpscBreakage.FreedBeforeCopied)]
    internal void Broken_mpsc_twin_is_caught(MpscBreakage breakage)
    {
        using var ring = new BrokenMpsc(8, breakage);
        string? finding = RingLitmus.Run(ring, 3, Records, BrokenLimit);
        Assert.NotNull(finding);
        TestContext.Current.TestOutputHelper?.WriteLine(finding);
    }

    [Fact]
    public void Spsc_is_bounded_and_in_order_over_the_wrap()
    {
        using var ring = new SpscRing<long>(4);
        for (long round = 0; round < 10; round++)
        {
            for (long i = 0; i < 4; i++) Assert.True(ring.TryEnqueue(round + i));
            Assert.False(ring.TryEnqueue(99));
            Assert.Equal(4, ring.Count);
            for (long i = 0; i < 4; i++)
            {
                Assert.True(ring.TryDequeue(out long value));
                Assert.Equal(round + i, value);
            }

            Assert.False(ring.TryDequeue(out _));
            Assert.Equal(0, ring.Count);
            Assert.True(ring.TryEnqueue(0) && ring.TryDequeue(out _));
        }
    }

    [Fact]
    public void Spsc_batches_take_what_fits()
    {
        using var ring = new SpscRing<int>(8);
        Span<int> received = stackalloc int[16];
        int sent = 0, got = 0;
        for (int round = 0; round < 50; round++)
        {
            int free = 8 - ring.Count;
            int[] batch = [.. Enumerable.Range(sent, round % 12)];
            int put = ring.EnqueueBatch(batch);
            Assert.Equal(Math.Min(free, batch.Length), put);
            sent += put;
            int there = ring.Count;
            int taken = ring.DequeueBatch(received[..(round % 7)]);
            Assert.Equal(Math.Min(there, round % 7), taken);
            for (int i = 0; i < taken; i++) Assert.Equal(got++, received[i]);
        }

        Assert.InRange(got, 50, sent);
    }

    [Fact]
    public void Mpsc_is_bounded_and_in_order_over_the_wrap()
    {
        using var ring = new MpscRing<int>(4);
        int[] received = new int[8];
        for (int round = 0; round < 10; round++)
        {
            for (int i = 0; i < 4; i++) Assert.True(ring.TryEnqueue(round + i));
            Assert.False(ring.TryEnqueue(99));
            Assert.Equal(4, ring.Count);
            Assert.Equal(4, ring.DequeueBatch(received));
            Assert.Equal([round, round + 1, round + 2, round + 3], received[..4]);
            Assert.False(ring.TryDequeue(out _));
            Assert.True(ring.TryEnqueue(7) && ring.TryDequeue(out int seven) && seven == 7);
        }
    }

    [Fact]
    public void Capacity_is_a_power_of_two()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new SpscRing<int>(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SpscRing<int>(12));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MpscRing<int>(1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MpscRing<int>(6));
    }

    [Fact]
    public void Rings_allocate_nothing_per_record()
    {
        using var spsc = new SpscRing<RingRecord>(8);
        using var mpsc = new MpscRing<RingRecord>(8);
        RoundTrip();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) RoundTrip();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void RoundTrip()
        {
            RingRecord record = RingRecord.Of(1, 2);
            if (!spsc.TryEnqueue(in record) || !spsc.TryDequeue(out RingRecord a) || !mpsc.TryEnqueue(in a) || !mpsc.TryDequeue(out RingRecord b) || b != record)
            {
                throw new InvalidOperationException("round trip");
            }
        }
    }
}
