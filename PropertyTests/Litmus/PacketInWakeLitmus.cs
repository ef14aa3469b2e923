using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Pmd;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>A packet for controllers wakes who takes them: a packet that lies in its ring while he sleeps is one that nobody hears of.</summary>
public sealed class PacketInWakeLitmus
{
    private const int Packets = 2;

    private static readonly Explorer s_explorer = new() { StoreBuffers = true, MaxPreemptions = 3, MaxRuns = 4000, RandomRuns = 500 };

    [Fact]
    public void No_packet_lies_in_its_ring_while_nobody_is_awake() => s_explorer.Explore(static () => Run()).MustHold();

    [Fact]
    public void A_taker_that_does_not_look_again_is_caught() => s_explorer.Explore(static () => Run(looksAgain: false)).MustBeCaught("deadlock");

    [Fact]
    public void A_packet_thread_that_rings_before_its_batch_is_caught() => s_explorer.Explore(static () => Run(ringsFirst: true)).MustBeCaught("deadlock");

    private static LitmusRun Run(bool looksAgain = true, bool ringsFirst = false)
    {
        WakeLatch latch = new();
        PacketInRing ring = new(2048) { Latch = latch };
        PacketPool pool = new(1, 128);
        PollSet set = new();
        return new LitmusRun(
        [
            () =>
            {
                for (ushort n = 1; n <= Packets; n++)
                {
                    if (ringsFirst) ring.WakeConsumer();
                    PacketRef packet = pool.RentRef([.. Enumerable.Repeat((byte)n, 60)], 1);
                    packet.Extract();
                    ring.Add(packet, new DpUserspace { ControllerId = n }, publishesFirst: false);
                    pool.Return(packet);
                    if (!ringsFirst) ring.WakeConsumer();
                }
            },
            () =>
            {
                for (int taken = 0; taken < Packets;)
                {
                    if (ring.TryTake(out _, out _))
                    {
                        taken++;
                        continue;
                    }

                    latch.Announce();
                    if (looksAgain && ring.HasPackets) latch.Cancel();
                    else latch.Sleep(set);
                }
            },
        ],
        () =>
        {
            pool.Dispose();
            ring.Dispose();
        }, latch);
    }
}
