using Xunit;

namespace Mergeflow.Tests;

/// <summary>Copies of frames in bounded memory.</summary>
public sealed class FrameRingTests : IDisposable
{
    private readonly PacketPool _pool = new(4, 2048);

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void Frames_come_out_as_they_went_in()
    {
        using FrameRing ring = new(4096);
        Add(ring, 60, 1, FrameDirections.In, 5);
        Add(ring, 61, 2, FrameDirections.Out, 6);
        Assert.True(ring.TryPeek(out long ns) && ns == 5);
        Assert.Equal([(1u, FrameDirections.In, 5L, 60), (2u, FrameDirections.Out, 6L, 61)], All(ring));
        Assert.False(ring.TryPeek(out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_full_ring_keeps_the_oldest_or_the_youngest_and_counts_the_others(bool keepsOldest)
    {
        using FrameRing ring = new(1000, keepsOldest: keepsOldest);
        const int all = 500;
        for (int i = 0; i < all; i++) Add(ring, 100, 1, FrameDirections.In, i);
        List<(uint, FrameDirections, long Ns, int)> kept = All(ring);
        Assert.InRange(kept.Count, 3, 20);
        Assert.Equal((ulong)(all - kept.Count), ring.Lost);
        Assert.Equal(Enumerable.Range(keepsOldest ? 0 : all - kept.Count, kept.Count).Select(static i => (long)i), kept.Select(static k => k.Ns));
    }

    [Fact]
    public void Reading_and_writing_in_turn_loses_nothing_wherever_the_end_falls()
    {
        using FrameRing ring = new(2048, keepsOldest: true);
        Random random = new(3);
        Queue<(uint, FrameDirections, long, int)> model = [];
        for (int i = 0; i < 5000; i++)
        {
            int length = 14 + random.Next(300);
            if (model.Count < 4)
            {
                Add(ring, length, 3, FrameDirections.Out, i);
                model.Enqueue((3, FrameDirections.Out, i, length));
            }

            if (random.Next(3) > 0 && ring.TryTake(out RingFrame frame)) Assert.Equal(model.Dequeue(), (frame.Port, frame.Direction, frame.Ns, frame.LengthBytes));
        }

        Assert.Equal(0ul, ring.Lost);
        Assert.Equal(model, All(ring));
    }

    [Fact]
    public void It_takes_what_it_is_for_and_no_more_of_it_than_that()
    {
        using FrameRing ring = new(4096, snapBytes: 32, port: 7, FrameDirections.In);
        Assert.True(ring.Takes(7, FrameDirections.In));
        Assert.False(ring.Takes(8, FrameDirections.In) || ring.Takes(7, FrameDirections.Out));
        Add(ring, 100, 7, FrameDirections.In, 1);
        Assert.True(ring.TryTake(out RingFrame frame));
        Assert.Equal((100, 32), (frame.LengthBytes, frame.Bytes.Length));
    }

    private void Add(FrameRing ring, int length, uint port, FrameDirections direction, long ns)
    {
        PacketRef packet = _pool.RentRef(new byte[length], port);
        ring.Add(packet, port, direction, ns);
        _pool.Return(packet);
    }

    private static List<(uint Port, FrameDirections Direction, long Ns, int Length)> All(FrameRing ring)
    {
        List<(uint, FrameDirections, long, int)> all = [];
        while (ring.TryTake(out RingFrame frame)) all.Add((frame.Port, frame.Direction, frame.Ns, frame.LengthBytes));
        return all;
    }
}
