using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Two packet threads and one tracker, in every order of what <see cref="ConnThread"/> does for the other thread; and with one part of it left out at a time.
/// </summary>
public sealed class SharedConnectionsLitmus
{
    private const long NowMs = 1000;

    private static readonly Explorer s_explorer = new() { MaxPreemptions = 3, MaxRuns = 3000, RandomRuns = 500 };

    [Fact]
    public void Two_packets_begin_one_connection() => s_explorer.Explore(BeginOne<SharedSync>).MustHold();

    [Fact]
    public void Without_claims_they_begin_two() => s_explorer.Explore(BeginOne<WithoutClaims>).MustBeCaught("begun twice");

    [Fact]
    public void Translated_tuples_are_unique() => s_explorer.Explore(Translate<SharedSync>).MustHold();

    [Fact]
    public void Without_claims_two_connections_get_one_tuple() => s_explorer.Explore(Translate<WithoutClaims>).MustBeCaught("one tuple");

    [Fact]
    public void A_packet_counts_for_its_own_connection() => s_explorer.Explore(Reuse<SharedSync>).MustHold();

    [Fact]
    public void Without_locks_it_counts_for_the_next_one_of_the_slot() => s_explorer.Explore(Reuse<WithoutLocks>).MustBeCaught("of another");

    [Fact]
    public void An_entry_that_moves_is_found() => s_explorer.Explore(Move<SharedSync>).MustHold();

    [Fact]
    public void Without_a_look_at_the_version_it_is_missed() => s_explorer.Explore(Move<WithoutVersions>).MustBeCaught("overlooked");

    [Fact]
    public void Slots_come_back_to_their_owner() => s_explorer.Explore(GiveBack<SharedSync>).MustHold();

    [Fact]
    public void Without_notes_they_are_lost() => s_explorer.Explore(GiveBack<WithoutNotes>).MustBeCaught("lost");

    [Fact]
    public void A_zone_never_has_more_than_its_limit() => s_explorer.Explore(Limit<SharedSync>).MustHold();

    [Fact]
    public void Without_one_instruction_to_count_it_has() => s_explorer.Explore(Limit<WithoutSwaps>).MustBeCaught("more than");

    [Fact]
    public void A_closed_connection_begins_anew_once() => s_explorer.Explore(BeginAnew<SharedSync>).MustHold();

    [Fact]
    public void A_connection_that_a_thread_keeps_is_taken_between_its_packets() => s_explorer.Explore(TakeKept<SharedSync>).MustHold();

    [Fact]
    public void Without_asking_it_is_taken_within_a_packet() => s_explorer.Explore(TakeKept<WithoutAsking>).MustBeCaught("of another");

    [Fact]
    public void Two_threads_that_want_what_the_other_keeps_get_it() => s_explorer.Explore(Exchange).MustHold();

    /// <summary>Thread 1 keeps a connection in a slot of thread 0, which ends it and uses the slot for another one, the other way round.</summary>
    private static LitmusRun TakeKept<S>()
        where S : struct, IConnSync
    {
        Bench<S> b = new(capacity: 1);
        b.Send(0, Udp(1, 1), Commit());
        b.Keep(1, 1);
        DpCt force = Commit();
        force.Flags |= DpCtFlags.Force;
        return b.Run(
            [
                () => b.Send(0, Udp(1, 1, isAnswer: true), force),
                () =>
                {
                    b.Send(1, Udp(1, 1), default);
                    b.Between(1);
                    b.Send(1, Udp(1, 1), default);
                    b.LetGo(1);
                },
            ],
            () =>
            {
                ConnInfo c = Assert.Single(b.Connections);
                LitmusViolation.Unless(c.OrigPackets == 1, "a packet of another connection was counted");
            });
    }

    /// <summary>Each thread keeps the connection of which the other one has a packet.</summary>
    private static LitmusRun Exchange()
    {
        Bench<SharedSync> b = new(capacity: 32);
        for (int thread = 0; thread < 2; thread++)
        {
            b.Send(thread, Udp(thread + 1, 1), Commit());
            b.Keep(thread, thread + 1);
        }

        // Five packets each so far.
        return b.Run(
            [
                () =>
                {
                    b.Send(0, Udp(2, 1), default);
                    b.LetGo(0);
                },
                () =>
                {
                    b.Send(1, Udp(1, 1), default);
                    b.LetGo(1);
                },
            ],
            () =>
            {
                LitmusViolation.Unless(b.Connections.Sum(static c => (long)(c.OrigPackets + c.ReplyPackets)) == 12, "a packet was not counted");
            });
    }

    /// <summary>Both directions of one conversation, at once.</summary>
    private static LitmusRun BeginOne<S>()
        where S : struct, IConnSync
    {
        Bench<S> b = new(capacity: 32);
        return b.Run(
            [() => b.Send(0, Udp(1, 1), Commit()), () => b.Send(1, Udp(1, 1, isAnswer: true), Commit())],
            () =>
            {
                LitmusViolation.Unless(b.Connections.Count == 1, "the connection was begun twice");
                LitmusViolation.Unless(b.Connections[0].OrigPackets + b.Connections[0].ReplyPackets == 2, "a packet was not counted");
            });
    }

    /// <summary>Two hosts behind one address and one port: it is one's or the other's.</summary>
    private static LitmusRun Translate<S>()
        where S : struct, IConnSync
    {
        Bench<S> b = new(capacity: 32);
        DpCt nat = Commit() with { Nat = NatKind.Src, NatAddrMin = Address(0xc0000201), NatAddrMax = Address(0xc0000201), NatPortMin = 5000, NatPortMax = 5000 };
        nat.Flags |= DpCtFlags.Nat;
        return b.Run(
            [() => b.Send(0, Udp(1, 1), nat), () => b.Send(1, Udp(2, 1), nat)],
            () =>
            {
                LitmusViolation.Unless(b.Connections.Count < 2, "two connections have one tuple");
                LitmusViolation.Unless(b.Connections.Count == 1 && b.Tracker.RefusedByNat == 1, "nobody got the tuple");
                LitmusViolation.Unless(b.Tracker.Count == 1, "a slot was lost");
            });
    }

    /// <summary>A packet of an established connection, while control ends that and another one takes its slot.</summary>
    private static LitmusRun Reuse<S>()
        where S : struct, IConnSync
    {
        Bench<S> b = new(capacity: 1);
        b.Send(0, Udp(1, 1), Commit());
        b.Send(0, Udp(1, 1, isAnswer: true), Commit());
        return b.Run(
            [
                () => b.Send(1, Udp(1, 1), default),
                () =>
                {
                    b.Tracker.FlushAll();
                    b.Send(0, Udp(2, 2), Commit());
                },
            ],
            () =>
            {
                LitmusViolation.Unless(b.Connections.Count == 1, "the slot was not used again");
                ConnInfo c = b.Connections[0];
                LitmusViolation.Unless((c.OrigPackets, c.ReplyPackets) == (1, 0), "a packet of another connection was counted");
            });
    }

    /// <summary>A bucket is full, its mate too, and room is made by an entry that goes back to where it belongs, while somebody looks for that.</summary>
    private static LitmusRun Move<S>()
        where S : struct, IConnSync
    {
        Bench<S> b = new(capacity: 26);
        (uint home, uint guest, uint third) = (0, 1, 2);
        var search = new Search<S>(b);

        // Eight at home, the next goes to the mate; one leaves, so there is room at home, but nobody moves.
        int[] atHome = [.. search.Take(8, home)];
        foreach (int flow in atHome) b.Send(0, Udp(flow, 1), Commit());
        int moved = search.Take(1, home, guest).Single();
        b.Send(0, Udp(moved, 1), Commit());
        b.Tracker.FlushTuple(0, new ConnTuple(false, Address(Host(atHome[0])), Address(Talks.Server), 17, 1, 53, 0, 0, 0), NowMs);
        foreach (int flow in search.Take(7, guest)) b.Send(0, Udp(flow, 1), Commit());
        foreach (int flow in search.Take(8, third)) b.Send(0, Udp(flow, 1), Commit());
        int last = search.Take(1, third, guest).Single();
        CtVerdict found = default;
        return b.Run(
            [() => b.Send(0, Udp(last, 1), Commit()), () => found = b.Send(1, Udp(moved, 1), default)],
            () =>
            {
                LitmusViolation.Unless(found.ConnId > 0, "a connection was overlooked");
                LitmusViolation.Unless(b.Connections.Count == 24, "one has gone");
            });
    }

    /// <summary>Another thread ends a connection and the owner wants its slot.</summary>
    private static LitmusRun GiveBack<S>()
        where S : struct, IConnSync
    {
        Bench<S> b = new(capacity: 1);
        b.Send(0, Udp(1, 1), Commit());
        b.NowMs += 60_001;
        return b.Run(
            [
                // It has expired: who meets it first ends it.
                () => b.Send(1, Udp(1, 1), default),
                () => b.Send(0, Udp(2, 2), Commit()),
            ],
            () =>
            {
                b.Send(0, Udp(3, 3), Commit());
                LitmusViolation.Unless(b.Connections.Count == 1 && b.Tracker.Count == 1, "a slot was lost");
            });
    }

    /// <summary>Two SYNs of a connection that both ends have reset.</summary>
    private static LitmusRun BeginAnew<S>()
        where S : struct, IConnSync
    {
        const int syn = 2, rst = 4, ack = 16;
        Bench<S> b = new(capacity: 32);
        b.Send(0, Tcp(syn, 100), Commit());
        b.Send(0, Tcp(rst | ack, 101), Commit());
        return b.Run(
            [() => b.Send(0, Tcp(syn, 9000), Commit()), () => b.Send(1, Tcp(syn, 9000), Commit())],
            () =>
            {
                LitmusViolation.Unless(b.Connections.Count == 1 && b.Tracker.Count == 1, "there is not one connection");
                LitmusViolation.Unless(b.Connections[0].OrigPackets == 2, "a packet was not counted");
            });

        static byte[] Tcp(int flags, uint seq)
            => FrameWriter.Write(new FrameSpec { Src = Host(1), Dst = Talks.Server, Proto = 6, SrcPort = 1000, DstPort = 80, TcpFlags = flags, Seq = seq });
    }

    private static LitmusRun Limit<S>()
        where S : struct, IConnSync
    {
        Bench<S> b = new(capacity: 32);
        b.Tracker.SetZoneLimit(0, 1);
        return b.Run(
            [() => b.Send(0, Udp(1, 1), Commit()), () => b.Send(1, Udp(2, 2), Commit())],
            () =>
            {
                LitmusViolation.Unless(b.Connections.Count == 1, "the zone has more than its limit, or less");
                LitmusViolation.Unless(b.Tracker.GetZoneLimit(0).Count == 1, "the count is wrong");
            });
    }

    private static DpCt Commit() => new() { Flags = DpCtFlags.Commit };

    private static uint Host(int flow) => Talks.ClientAt(flow);

    private static Ipv6Address Address(uint ipv4) => Ipv6Address.FromUInt128((UInt128)ipv4 << 96);

    private static byte[] Udp(int flow, ushort port, bool isAnswer = false)
        => FrameWriter.Write(isAnswer
            ? new FrameSpec { Src = Talks.Server, Dst = Host(flow), SrcPort = 53, DstPort = port }
            : new FrameSpec { Src = Host(flow), Dst = Talks.Server, SrcPort = port, DstPort = 53 });

    /// <summary>Flows by the buckets that they belong to.</summary>
    private sealed class Search<S>(Bench<S> bench)
        where S : struct, IConnSync
    {
        private int _next = 1;

        public IEnumerable<int> Take(int count, uint first, uint? second = null)
        {
            while (count > 0)
            {
                int flow = _next++;
                (uint First, uint Second) buckets = bench.BucketsOf(Udp(flow, 1));
                if (buckets.First != first || (second is { } s ? buckets.Second != s : buckets.Second <= 2)) continue;
                count--;
                yield return flow;
            }
        }
    }

    private sealed class Bench<S> : IDisposable
        where S : struct, IConnSync
    {
        private readonly ConntrackProbe[] _probes;

        public Bench(int capacity)
        {
            var first = new ConntrackProbe(new ConntrackOptions { Seed = 7, CapacityConnections = capacity, ThreadCount = 2, MaxFragments = 1 }, packets: 2);
            _probes = [first, first.ForThread(1, packets: 2)];
        }

        public ConnTracker Tracker => _probes[0].Conntrack;

        public long NowMs { get; set; } = SharedConnectionsLitmus.NowMs;

        public List<ConnInfo> Connections => [.. Tracker.Snapshot(NowMs)];

        /// <summary>The thread sees both directions of a flow, and keeps its connection.</summary>
        public void Keep(int thread, int flow)
        {
            _probes[thread].KeepsConnections = true;
            int id = 0;
            for (int i = 0; i < 4; i++) id = Send(thread, Udp(flow, 1, isAnswer: i % 2 == 0), default).ConnId;
            Assert.True(_probes[thread].IsKept(id));
        }

        public void Between(int thread) => _probes[thread].Between();

        public void LetGo(int thread) => _probes[thread].LetGo();

        public LitmusRun Run(IReadOnlyList<Action> threads, Action atEnd) => new(threads, atEnd, this);

        public CtVerdict Send(int thread, byte[] frame, DpCt action)
        {
            PacketRef packet = _probes[thread].Receive(frame);
            CtVerdict verdict = _probes[thread].ExecuteAs<S>(packet, action, NowMs);
            _probes[thread].Return(packet);
            return verdict;
        }

        public (uint First, uint Second) BucketsOf(byte[] frame)
        {
            PacketRef packet = _probes[0].Receive(frame);
            (uint First, uint Second) buckets = _probes[0].BucketsOf(packet, 0);
            _probes[0].Return(packet);
            return buckets;
        }

        public void Dispose()
        {
            _probes[1].Dispose();
            _probes[0].Dispose();
        }
    }
}
