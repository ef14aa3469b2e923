using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// A packet on its way to control names a frozen translation without a reference: the sweep forgets it only when control has gone so many rounds (<see cref="PacketInRounds"/>), here without the grace
/// period that hides most orders. A first packet, which names nothing, is in the ring before.
/// </summary>
public sealed class PacketInRoundsLitmus
{
    private const ushort Plain = 1, Naming = 2;
    private const int Looks = 4;

    private static readonly Explorer s_explorer = new() { MaxPreemptions = 4, MaxRuns = 8000, RandomRuns = 800 };

    [Fact]
    public void What_a_packet_names_is_there_until_control_is_done_with_it() => s_explorer.Explore(static () => Run()).MustHold();

    [Fact]
    public void Control_that_says_it_is_done_before_it_is_is_caught() => s_explorer.Explore(static () => Run(handlesFirst: true)).MustBeCaught("forgotten");

    [Fact]
    public void A_sweep_that_waits_for_one_round_is_caught() => s_explorer.Explore(static () => Run(roundsNeeded: 1)).MustBeCaught("forgotten");

    private static LitmusRun Run(bool handlesFirst = false, ulong roundsNeeded = RecircStore.RoundsNeeded)
    {
        PacketInRing ring = new(4096);
        PacketInRounds rounds = new([ring]);
        PacketPool pool = new(1, 128);
        bool isIdle = false, isForgotten = false;
        int taken = 0;
        Add(Plain);
        rounds.Look();
        return new LitmusRun(
            [
                () =>
                {
                    Add(Naming);
                    Interleaving.Step("idle");
                    Volatile.Write(ref isIdle, true);
                },
                () =>
                {
                    Drain();
                    Drain();
                },
                Sweep,
            ],
            () =>
            {
                Drain();
                LitmusViolation.Unless(taken == 2, $"{taken} packets taken");
                Sweep();
                LitmusViolation.Unless(isForgotten, "a state that nobody names is kept");
                pool.Dispose();
                ring.Dispose();
            });

        void Add(ushort id)
        {
            PacketRef packet = pool.RentRef([.. Enumerable.Repeat((byte)id, 60)], 1);
            packet.Extract();
            ring.Add(packet, new DpUserspace { ControllerId = id }, publishesFirst: false);
            pool.Return(packet);
        }

        void Drain()
        {
            while (ring.TryTake(out PacketInHeader header, out _))
            {
                taken++;
                if (handlesFirst) ring.SetHandled();
                Interleaving.Step("what it names");
                LitmusViolation.Unless(header.Told.ControllerId != Naming || !Volatile.Read(ref isForgotten), "it is forgotten");
                if (!handlesFirst) ring.SetHandled();
            }
        }

        void Sweep()
        {
            ulong? since = null;
            for (int i = 0; i < Looks; i++)
            {
                Interleaving.Step("idle?");
                bool isSeen = Volatile.Read(ref isIdle);
                ulong round = rounds.Look();
                if (since is { } begin && round - begin >= roundsNeeded) Volatile.Write(ref isForgotten, true);
                if (isSeen) since ??= round;
            }
        }
    }
}
