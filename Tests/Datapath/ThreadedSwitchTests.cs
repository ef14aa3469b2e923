using System.Buffers.Binary;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>One switch on two packet threads, a thread for the offload and one for upkeep, each direction of every connection on the other packet thread, while another thread gives orders.</summary>
[Collection(nameof(AloneCollection))]
public sealed partial class ThreadedSwitchTests
{
    private const int Connections = 64;
    private const int Numbers = 4096;

    /// <summary>Orders of four kinds in turn; after two of them the switch has to be silent.</summary>
    private const int Rounds = 80;

    private const string Tables =
        """
        cookie=0x1,table=0,in_port=1,udp actions=ct(table=1,zone=5)
        cookie=0x2,table=0,in_port=2,udp actions=ct(table=1,zone=5)
        cookie=0x3,table=1,priority=9,ct_state=+trk+new,udp,in_port=1 actions=ct(commit,zone=5),output:2
        """;

    private const string Established =
        """
        add cookie=0x4,table=1,priority=8,ct_state=+trk+est,udp,in_port=1 actions=output:2
        add cookie=0x5,table=1,priority=8,ct_state=+trk+est,udp,in_port=2 actions=output:1
        """;

    private static readonly FlowTextParser s_parser = new();

    [Theory]
    [InlineData(OffloadMode.None, 0)]
    [InlineData(OffloadMode.Soft, 0)]
    [InlineData(OffloadMode.Nic, 0)]
    [InlineData(OffloadMode.None, 2)]
    [InlineData(OffloadMode.Soft, 1)]
    public void Orders_hold_for_all_threads_when_they_return_and_every_packet_is_counted(OffloadMode offload, int handlers)
    {
        CountingSink sink = new();
        using Engine.Runtime.Datapath d = New(offload, sink, pmds: 2, handlers);
        d.ApplyFlowMods(s_parser.ParseFlows(Tables), Now);
        d.ApplyFlowMods(s_parser.ParseFlows(Established), Now);
        using CaptureRxQueue forth = Queue(1), back = Queue(2);
        int stops = 0, silent = 0;
        BookTotals device;
        using (ThreadedSwitch threads = new(d, Queues((1, forth), (2, back)), new ThreadedSwitchOptions { Sink = sink }))
        {
            threads.Start();
            WaitFor(() => sink.Of(1) > 10_000 && sink.Of(2) > 10_000 && (offload != OffloadMode.Soft || d.Pmds.All(static p => p.Thread.Stats.MergedHits > 1000)));
            if (offload == OffloadMode.Nic) WaitFor(() => threads.Pollers.Device!.Value.Packets > 1000);
            for (int round = 0; round < Rounds; round++)
            {
                switch (round % 4)
                {
                    case 0:
                        d.ApplyFlowMods(s_parser.ParseFlows("delete table=1,cookie=0x4/0x4"), Now);
                        break;
                    case 1:
                        d.Ports.SetLink(1, isUp: false, Now);
                        break;
                    case 2:
                        d.PurgeMegaflows(Now);
                        d.FlushConntrack(null, Now);
                        break;
                    default:
                        d.Settle(Now);
                        break;
                }

                if (round % 4 <= 1)
                {
                    long before = sink.Of(1);
                    Thread.SpinWait(20_000);
                    stops++;
                    if (sink.Of(1) == before) silent++;
                }

                if (round % 4 == 0) d.ApplyFlowMods(s_parser.ParseFlows(Established), Now);
                if (round % 4 == 1) d.Ports.SetLink(1, isUp: true, Now);
                Thread.Sleep(2);
            }

            long sent = sink.Of(1);
            WaitFor(() => sink.Of(1) > sent);
            Assert.Null(threads.Failure);
            threads.Stop();
            device = threads.Pollers.Device ?? default;
        }

        Assert.Equal((Rounds / 2, Rounds / 2), (stops, silent));
        d.Settle(Now);
        d.Settle(Now);
        PmdStats stats = d.Stats;

        // All are of two hosts: what comes while one waits for a handler waits behind it, as far as there is room.
        Assert.Equal(stats.Rx + device.Packets, d.Pipeline.Rules.Where(static r => r.Table == 0).Aggregate(stats.UpcallsRefusedFirst, static (sum, r) => sum + r.Packets));
        Assert.Equal(handlers > 0, stats.UpcallsRefused > 0);
        if (handlers == 0) Assert.Equal(stats.RxBytes + device.Bytes, d.Pipeline.Rules.Where(static r => r.Table == 0).Aggregate(0ul, static (sum, r) => sum + r.Bytes));
        Assert.Equal((ulong)(sink.Of(1) + sink.Of(2)), d.CountersOf(1).Packets + d.CountersOf(2).Packets);
        Assert.All(d.Pmds, static p => Assert.Equal(0, p.Pool.InUse));
        if (offload == OffloadMode.None) return;
        OffloadAudit audit = d.Audit(Now, offload == OffloadMode.Nic ? device : null, pushed: true);
        Assert.True(audit.IsBalanced, string.Join('\n', audit.Lines));
        Assert.Equal(stats.MergedHits + device.Packets, d.Offload!.Stats.Hits);
    }

    [Fact]
    public void A_queue_that_goes_from_thread_to_thread_keeps_its_order_and_loses_nothing()
    {
        OrderedSink sink = new();
        using Engine.Runtime.Datapath d = New(OffloadMode.Soft, sink, pmds: 2);
        d.ApplyFlowMods(s_parser.ParseFlows("in_port=1 actions=output:2"), Now);
        using CaptureRxQueue moving = Numbered();
        int moves = 0;
        using (ThreadedSwitch threads = new(d, Queues((1, moving))))
        {
            threads.Start();
            for (int at = 0; moves < 200; moves++, at ^= 1)
            {
                threads.Pollers.MoveQueue(new RxQueueName(1, 0), at ^ 1);
                long seen = sink.Count;
                WaitFor(() => sink.Count > seen);
            }

            Assert.Throws<ArgumentOutOfRangeException>(() => threads.Pollers.MoveQueue(new RxQueueName(7, 0), 1));
        }

        Assert.Equal(0, sink.Disordered);
        Assert.Equal((long)d.Stats.Rx, sink.Count);
        Assert.All(d.Pmds, static p => Assert.True(p.Thread.Stats.Rx > 100));
    }

    /// <summary>Packets wait for handlers all the time, as megaflows are purged, and their queue moves from thread to thread meanwhile.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Packets_of_two_hosts_keep_their_order_while_handlers_translate(int handlers)
    {
        const int Hosts = 8, Orders = 150;
        SequenceSink sink = new(Hosts);
        using Engine.Runtime.Datapath d = New(OffloadMode.None, sink, pmds: 2, handlers);
        d.ApplyFlowMods(s_parser.ParseFlows("table=0,udp,in_port=1 actions=ct(table=1)\ntable=1,udp actions=output:2"), Now);
        using RingRxQueue ring = new(1);
        byte[][] frames = [.. Enumerable.Range(0, Hosts).Select(static i => NicFrame.UdpIpv4(1000, 53, "10.0.0.1", $"10.0.1.{i}", payload: 64))];
        long sent = 0;
        bool ends = false;
        using (ThreadedSwitch threads = new(d, Queues((1, ring))))
        {
            threads.Start();
            Thread feeder = new(() =>
            {
                while (!Volatile.Read(ref ends))
                {
                    byte[] frame = frames[sent % Hosts];
                    BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(frame.Length - 8), (sent / Hosts) + 1);
                    if (ring.TrySend(frame)) sent++;
                    else Thread.Yield();
                }
            });
            feeder.Start();
            for (int order = 0; order < Orders; order++)
            {
                d.PurgeMegaflows(Now);
                if (order % 3 == 0) threads.Pollers.MoveQueue(new RxQueueName(1, 0), order % 2);
                long seen = sink.Count;
                WaitFor(() => sink.Count > seen);
            }

            Volatile.Write(ref ends, true);
            feeder.Join();
            WaitFor(() => ring.Count == 0 && d.Pmds.All(static p => p.Thread.ParkedCount == 0));
        }

        Assert.Equal(0, sink.Disordered);
        Assert.Equal((ulong)sent, (ulong)sink.Count + d.Stats.UpcallsRefused);
        Assert.True(d.Stats.Upcalls > Orders);
        Assert.All(d.Pmds, static p => Assert.Equal(0, p.Pool.InUse));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-1)]
    public void A_queue_stays_where_it_is_if_it_is_to_go_nowhere(int to)
    {
        CountingSink sink = new();
        using Engine.Runtime.Datapath d = New(OffloadMode.None, sink, pmds: 2);
        d.ApplyFlowMods(s_parser.ParseFlows("in_port=1 actions=output:2"), Now);
        using CaptureRxQueue queue = Numbered();
        using ThreadedSwitch threads = new(d, Queues((1, queue)));
        threads.Start();
        Assert.Throws<ArgumentOutOfRangeException>(() => threads.Pollers.MoveQueue(new RxQueueName(1, 0), to));
        long seen = sink.Of(2);
        WaitFor(() => sink.Of(2) > seen + 1000);
    }

    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void A_switch_without_packets_sleeps_and_a_frame_or_an_order_wakes_it(OffloadMode offload)
    {
        CountingSink sink = new();
        using Engine.Runtime.Datapath d = New(offload, sink, pmds: 2);
        d.ApplyFlowMods(s_parser.ParseFlows(Tables), Now);
        d.ApplyFlowMods(s_parser.ParseFlows(Established), Now);
        using RingRxQueue forth = new(1), back = new(2);
        using ThreadedSwitch threads = new(d, Queues((1, forth), (2, back)), new ThreadedSwitchOptions { Sink = sink });
        threads.Start();
        byte[] there = NicFrame.UdpIpv4(1000, 53, "10.0.0.1", "10.0.0.2"), answer = NicFrame.UdpIpv4(53, 1000, "10.0.0.2", "10.0.0.1");
        for (int i = 0; i < 40; i++)
        {
            long sleeps = threads.Sleeps;
            WaitFor(() => threads.Sleeps > sleeps + 2);
            Assert.True(i % 2 == 0 ? forth.TrySend(there) : back.TrySend(answer));
            WaitFor(() => sink.Of(1) + sink.Of(2) == i + 1);
            if (i % 8 == 7) d.Settle(Now);
        }

        Assert.Equal(1, d.Conntrack.Count);
        Assert.True(offload == OffloadMode.None || d.Offload!.Stats.Installed >= 1, "no trace reached the offload");
    }

    [Fact]
    public void An_order_that_fails_fails_for_who_gave_it()
    {
        using Engine.Runtime.Datapath d = New(OffloadMode.None, new CountingSink(), pmds: 2);
        using ThreadedSwitch threads = new(d, Queues());
        threads.Start();
        Assert.Throws<FlowModException>(() => d.ApplyFlowMods(s_parser.ParseFlows("actions=group:77"), Now));
        Assert.Equal(Acknowledgement.Done, d.ApplyFlowMods(s_parser.ParseFlows("actions=drop"), Now));
        threads.Stop();
        Assert.Equal(Acknowledgement.Done, d.ApplyFlowMods(s_parser.ParseFlows("priority=7,actions=drop"), Now));
    }

    [Fact]
    public void Rules_and_connections_time_out()
    {
        using Engine.Runtime.Datapath d = New(OffloadMode.None, new CountingSink(), pmds: 2);
        d.ApplyFlowMods(s_parser.ParseFlows("hard_timeout=1,actions=drop"), Now);
        using ThreadedSwitch threads = new(d, Queues());
        threads.Start();
        WaitFor(() => !d.Pipeline.Rules.Any());
    }

    private static long Now => Environment.TickCount64;

    private static Engine.Runtime.Datapath New(OffloadMode offload, IOutputSink sink, int pmds, int handlers = 0)
        => new(new DatapathOptions { Ports = [("p1", 1), ("p2", 2)], QueuesPerPort = 1, Offload = offload, PmdCount = pmds, HandlerCount = handlers, PacketCapacity = 512, FrameCapacityBytes = 2048 }, new OutputSinkAdapter(sink));

    /// <summary>The first queue of each port: port 1 is the first packet thread's, port 2 the second's.</summary>
    private static Dictionary<RxQueueName, RxQueue> Queues(params (uint Port, RxQueue Queue)[] queues)
        => queues.ToDictionary(static q => new RxQueueName(q.Port, 0), static q => q.Queue);

    private static CaptureRxQueue Queue(uint port)
    {
        List<ReadOnlyMemory<byte>> frames = [.. Enumerable.Range(0, Connections).Select(i => (ReadOnlyMemory<byte>)(port == 1
            ? NicFrame.UdpIpv4((ushort)(1000 + i), 53, "10.0.0.1", "10.0.0.2")
            : NicFrame.UdpIpv4(53, (ushort)(1000 + i), "10.0.0.2", "10.0.0.1")))];
        return new CaptureRxQueue(frames, [.. frames.Select(_ => port)], 0, verifyChecksums: true);
    }

    private static void WaitFor(Func<bool> condition)
    {
        long endMs = Now + 20_000;
        while (!condition())
        {
            Assert.True(Now < endMs, "nothing happens");
            Thread.Sleep(1);
        }
    }

    /// <summary>Numbers in the last bytes of the frames, from 0 to <see cref="Numbers"/>, round and round.</summary>
    private static CaptureRxQueue Numbered()
    {
        List<ReadOnlyMemory<byte>> frames = [];
        for (int i = 0; i < Numbers; i++)
        {
            byte[] frame = NicFrame.UdpIpv4(payload: 64);
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(frame.Length - 4), i);
            frames.Add(frame);
        }

        return new CaptureRxQueue(frames, [.. frames.Select(static _ => 1u)], 0, verifyChecksums: false);
    }

    private sealed class CountingSink : IOutputSink
    {
        private readonly long[] _sent = new long[4 * 16];

        public long Of(uint port) => Volatile.Read(ref _sent[port * 16]);

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => Interlocked.Increment(ref _sent[port * 16]);
    }

    /// <summary>Frames of some hosts, each with a number that grows.</summary>
    private sealed class SequenceSink(int hosts) : IOutputSink
    {
        private readonly long[] _last = new long[hosts];
        private long _count;
        private int _disordered;

        public long Count => Volatile.Read(ref _count);

        public int Disordered => Volatile.Read(ref _disordered);

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
            const int LastOfDestination = 33;
            long number = BinaryPrimitives.ReadInt64BigEndian(frame[^8..]);
            if (Interlocked.Exchange(ref _last[frame[LastOfDestination]], number) >= number) Interlocked.Increment(ref _disordered);
            Interlocked.Increment(ref _count);
        }
    }

    private sealed class OrderedSink : IOutputSink
    {
        private long _count;
        private int _last = Numbers - 1;
        private int _disordered;

        public long Count => Volatile.Read(ref _count);

        public int Disordered => Volatile.Read(ref _disordered);

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
            int number = BinaryPrimitives.ReadInt32BigEndian(frame[^4..]);
            if (Interlocked.Exchange(ref _last, number) != (number + Numbers - 1) % Numbers) Interlocked.Increment(ref _disordered);
            Interlocked.Increment(ref _count);
        }
    }
}
