using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>The ring of a patch between two packet threads: frames arrive whole and in order, none is lost that was taken on, and a reader that sleeps is woken.</summary>
public sealed class PatchRingLitmus
{
    private const int Frames = 4, FrameBytes = 60;

    /// <summary>Room for three records: the fourth stands behind a gap, or finds none.</summary>
    private const int RingBytes = 256;

    private static readonly Explorer s_explorer = new() { StoreBuffers = true, MaxPreemptions = 3, MaxRuns = 500, RandomRuns = 150 };

    /// <summary>Stores are seen at once: where a record is written late, that is seen sooner.</summary>
    private static readonly Explorer s_prompt = new() { MaxPreemptions = 2, MaxRuns = 1200, RandomRuns = 300 };

    [Fact]
    public void Frames_arrive_whole_and_in_order() => s_explorer.Explore(static () => Run()).MustHold();

    [Fact]
    public void A_record_that_is_published_before_it_is_written_is_caught() => s_prompt.Explore(static () => Run(publishesFirst: true)).MustBeCaught("frame");

    [Fact]
    public void A_record_that_is_released_before_it_is_copied_is_caught() => s_prompt.Explore(static () => Run(releasesFirst: true)).MustBeCaught("frame");

    [Fact]
    public void A_reader_that_sleeps_is_woken() => s_explorer.Explore(static () => Sleeping()).MustHold();

    [Fact]
    public void A_writer_that_wakes_before_it_publishes_is_caught() => s_explorer.Explore(static () => Sleeping(wakesFirst: true)).MustBeCaught("deadlock");

    private static LitmusRun Run(bool publishesFirst = false, bool releasesFirst = false)
    {
        PatchRxQueue ring = new(1, RingBytes);
        PacketPool pool = new(4, 128);
        int sent = 0, taken = 0, last = 0;
        void Drain()
        {
            while (ring.Drain(pool, frame =>
            {
                taken++;
                bool isWhole = frame.Length == FrameBytes && frame[0] > last && frame.All(b => b == frame[0]);
                LitmusViolation.Unless(isWhole, $"frame {(frame.Length > 0 ? frame[0] : -1)} of {frame.Length} bytes behind {last}");
                last = frame[0];
            }, releasesFirst) > 0)
            {
                // All of it.
            }
        }

        return new LitmusRun(
            [
                () =>
                {
                    for (byte n = 1; n <= Frames; n++)
                    {
                        if (ring.TrySend([.. Enumerable.Repeat(n, FrameBytes)], publishesFirst)) sent++;
                    }
                },
                () =>
                {
                    Drain();
                    Drain();
                },
            ],
            () =>
            {
                Drain();
                LitmusViolation.Unless(taken == sent && sent >= 3, $"frames: {sent} sent, {taken} taken");
                pool.Dispose();
            });
    }

    private static LitmusRun Sleeping(bool wakesFirst = false)
    {
        const int count = 2;
        WakeLatch latch = new();
        PatchRxQueue ring = new(1, RingBytes) { Latch = latch };
        PacketPool pool = new(4, 128);
        PollSet set = new();
        return new LitmusRun(
            [
                () =>
                {
                    for (byte n = 1; n <= count; n++) ring.TrySend([.. Enumerable.Repeat(n, FrameBytes)], wakesFirst: wakesFirst);
                },
                () =>
                {
                    int taken = 0;
                    int Look() => ring.Drain(pool, _ => taken++);
                    while (taken < count)
                    {
                        if (Look() > 0) continue;
                        latch.Announce();
                        if (Look() > 0) latch.Cancel();
                        else latch.Sleep(set);
                    }
                },
            ],
            pool.Dispose,
            Owned: latch);
    }
}
