using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Packet threads that share one tracker, one after the other.</summary>
public sealed class ConnThreadTests
{
    [Fact]
    public void A_connection_of_one_thread_is_known_to_the_others()
    {
        using var b = new Bench();
        Assert.Equal(CtBench.New, b.Send(0, CtBench.Forward(Frames.Syn, 100, 0), CtBench.Commit()));
        Assert.Equal(CtBench.EstReply, b.Send(1, CtBench.Backward(Frames.Syn | Frames.Ack, 500, 101), CtBench.Lookup()));
        Assert.Equal(CtBench.Est, b.Send(2, CtBench.Forward(Frames.Ack, 101, 501), CtBench.Lookup()));
        ConnInfo c = Assert.Single(b.Tracker.Snapshot(b.NowMs));
        Assert.Equal((2UL, 1UL), (c.OrigPackets, c.ReplyPackets));
        Assert.Equal("ESTABLISHED", c.State);
    }

    [Fact]
    public void Refusals_are_counted_over_all_threads()
    {
        using var b = new Bench();
        b.Tracker.SetZoneLimit(1, 0);
        for (int i = 0; i < Bench.ThreadCount; i++) b.Send(i, CtBench.Forward(Frames.Syn, 100, 0), CtBench.Commit());
        Assert.Equal(3UL, b.Tracker.RefusedByZoneLimit);
        Assert.Equal(1UL, b.Tracker.ForThread(1).RefusedByZoneLimit);
    }

    /// <summary>Receive queues keep a source's fragments together; those that come to another thread all the same are never put together with these.</summary>
    [Fact]
    public void Fragments_wait_at_the_thread_that_received_them()
    {
        using var b = new Bench(new ConntrackOptions { Seed = 7, CapacityConnections = 16, ThreadCount = 3, IpfMinV4 = 8 });
        List<byte[]> train = FragmentTrain.Datagram(ipv6: false, 80, 40);
        Assert.Equal(CtDisposition.Held, b.Hold(0, train[0]));
        Assert.Equal(CtDisposition.Held, b.Hold(1, train[1]));
        Assert.Equal((1, 1, 2), (b.Tracker.ForThread(0).HeldFragments, b.Tracker.ForThread(1).HeldFragments, b.Tracker.HeldFragments));
        b.NowMs += 15_001 + 10_000;
        b.Tracker.Step(b.NowMs);
        Assert.Equal((0, 0), (b.Tracker.HeldFragments, b.PacketsInUse));
        Assert.Equal(0, b.Tracker.DatagramsReassembled);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(ConnTracker.MaxThreads + 1)]
    public void The_number_of_threads_is_bounded(int count)
        => Assert.Throws<ArgumentOutOfRangeException>(() => new ConnTracker(new ConntrackOptions { ThreadCount = count }));

    private sealed class Bench : IDisposable
    {
        public const int ThreadCount = 3;

        private readonly ConntrackProbe[] _probes = new ConntrackProbe[ThreadCount];

        public Bench(ConntrackOptions? options = null)
        {
            _probes[0] = new ConntrackProbe(options ?? new ConntrackOptions { Seed = 7, CapacityConnections = 64, ThreadCount = ThreadCount });
            for (int i = 1; i < ThreadCount; i++) _probes[i] = _probes[0].ForThread(i);
        }

        public ConnTracker Tracker => _probes[0].Conntrack;

        public int PacketsInUse => _probes.Sum(static p => p.PacketsInUse);

        public long NowMs { get; set; } = 1000;

        public CtState Send(int thread, byte[] frame, DpCt action)
        {
            PacketRef packet = _probes[thread].Receive(frame);
            _probes[thread].Execute(packet, action, NowMs);
            CtState state = packet.Key.CtState;
            _probes[thread].Return(packet);
            return state;
        }

        public CtDisposition Hold(int thread, byte[] frame) => _probes[thread].Execute(_probes[thread].Receive(frame), CtBench.Lookup(), NowMs).Disposition;

        public void Dispose()
        {
            for (int i = ThreadCount; i-- > 0;) _probes[i].Dispose();
        }
    }
}
