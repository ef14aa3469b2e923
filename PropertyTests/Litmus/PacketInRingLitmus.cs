using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>The ring between a packet thread and control: packets arrive whole and in order, or are counted as lost.</summary>
public sealed class PacketInRingLitmus
{
    private const int Records = 4;

    private static readonly Explorer s_explorer = new() { MaxPreemptions = 4, MaxRuns = 4000, RandomRuns = 500 };

    /// <summary>Room for two records: the third one stands behind a gap, or finds none.</summary>
    [Fact]
    public void Packets_arrive_whole_and_in_order() => s_explorer.Explore(static () => Run()).MustHold();

    [Fact]
    public void A_record_that_is_published_before_it_is_written_is_caught() => s_explorer.Explore(static () => Run(publishesFirst: true)).MustBeCaught("packet");

    [Fact]
    public void A_record_that_is_released_before_it_is_read_is_caught() => s_explorer.Explore(static () => Run(releasesFirst: true)).MustBeCaught("packet");

    private static LitmusRun Run(bool publishesFirst = false, bool releasesFirst = false)
    {
        PacketInRing ring = new(1024);
        PacketPool pool = new(1, 128);
        int size = 0, taken = 0;
        ushort last = 0;
        void Drain()
        {
            while (releasesFirst && size > 0 ? ring.TryTakeReleasingFirst(size, out PacketInHeader header, out byte[] frame) : ring.TryTake(out header, out frame))
            {
                size = header.SizeBytes;
                taken++;
                bool isWhole = frame.Length == 60 && header.Told.ControllerId > last && frame.All(b => b == header.Told.ControllerId) && header.EventIndex == header.Told.ControllerId;
                LitmusViolation.Unless(isWhole, $"packet {header.Told.ControllerId} of {frame.Length} bytes behind {last}");
                last = header.Told.ControllerId;
            }
        }

        return new LitmusRun(
            [
                () =>
                {
                    for (ushort n = 1; n <= Records; n++)
                    {
                        PacketRef packet = pool.RentRef([.. Enumerable.Repeat((byte)n, 60)], 1);
                        packet.Descriptor.EventIndex = n;
                        packet.Extract();
                        ring.Add(packet, new DpUserspace { ControllerId = n }, publishesFirst);
                        pool.Return(packet);
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
                LitmusViolation.Unless((ulong)taken + ring.Dropped == Records, $"{taken} packets taken, {ring.Dropped} dropped");
                pool.Dispose();
                ring.Dispose();
            });
    }
}
