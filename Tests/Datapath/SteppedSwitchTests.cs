using System.Buffers.Binary;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The pollers of a running switch on one thread, in orders that seeds draw: each direction of every connection on another packet thread, queues that move, and time that passes.</summary>
public sealed class SteppedSwitchTests
{
    private const int Seeds = 12;
    private const int Flows = 8;
    private const int Rounds = 40;
    private const int UdpChecksum = 14 + 20 + 6;

    private const string Tables =
        """
        table=0,udp actions=ct(table=1,zone=5)
        table=1,priority=9,ct_state=+trk+new,udp,in_port=1 actions=ct(commit,zone=5),output:2
        table=1,priority=8,ct_state=+trk+est,udp,in_port=1,idle_timeout=20 actions=output:2
        table=1,priority=8,ct_state=+trk+est,udp,in_port=2,idle_timeout=20 actions=output:1
        """;

    [Theory]
    [InlineData(1, OffloadMode.None)]
    [InlineData(2, OffloadMode.None)]
    [InlineData(1, OffloadMode.Soft)]
    [InlineData(2, OffloadMode.Soft)]
    [InlineData(4, OffloadMode.Soft)]
    [InlineData(2, OffloadMode.Nic)]
    [InlineData(4, OffloadMode.Nic)]
    public void Whatever_the_order_nothing_is_lost_flows_stay_in_order_and_what_is_idle_goes_by_itself(int pmds, OffloadMode offload)
    {
        for (ulong seed = 1; seed <= Seeds; seed++) Run(pmds, offload, seed);
    }

    [Fact]
    public void The_same_seed_gives_the_same_run()
    {
        Assert.Equal(Run(4, OffloadMode.Soft, 5), Run(4, OffloadMode.Soft, 5));
    }

    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void Rounds_without_work_allocate_nothing(OffloadMode offload)
    {
        using Engine.Runtime.Datapath d = new(
            new DatapathOptions { Ports = [("p1", 1), ("p2", 2)], Offload = offload, PmdCount = 2, HandlerCount = 2, PacketCapacity = 64, FrameCapacityBytes = 2048, ConnectionCapacity = 64, MegaflowCapacity = 64, Seed = 3 },
            new OutputSinkAdapter(new NoSink()));
        d.ApplyFlowMods(new FlowTextParser().ParseFlows(Tables), 0);
        using RingRxQueue a = new(1), b = new(2);
        using SteppedSwitch stepped = new(d, new Dictionary<RxQueueName, RxQueue> { [new RxQueueName(1, 0)] = a, [new RxQueueName(2, 0)] = b }, seed: 1);
        Assert.True(a.TrySend(NicFrame.UdpIpv4(1000, 53, "10.0.0.1", "10.0.0.2", payload: 16)));
        stepped.Run(2000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        stepped.Run(2000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1ul, d.Stats.Rx);
        Assert.Equal(2, d.Pmds.Count);
    }

    private static string Run(int pmds, OffloadMode offload, ulong seed)
    {
        FlowSink sink = new();
        using Engine.Runtime.Datapath d = new(
            new DatapathOptions { Ports = [("p1", 1), ("p2", 2)], QueuesPerPort = 2, Offload = offload, PmdCount = pmds, PacketCapacity = 256, FrameCapacityBytes = 2048, ConnectionCapacity = 64, MegaflowCapacity = 64, Seed = 3 },
            new OutputSinkAdapter(sink));
        d.ApplyFlowMods(new FlowTextParser().ParseFlows(Tables), 0);
        RingRxQueue[] rings = [new(1), new(1), new(2), new(2)];
        Dictionary<RxQueueName, RxQueue> queues = Enumerable.Range(0, 4).ToDictionary(static i => new RxQueueName((uint)(1 + (i / 2)), i % 2), RxQueue (i) => rings[i]);
        using SteppedSwitch stepped = new(d, queues, seed, sink);
        var chance = new Random((int)seed);
        int sent = 0;
        for (int flow = 0; flow < Flows; flow++) sent += Send(flow, forth: true);
        stepped.StepUntilIdle();
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = chance.Next(2 * Flows); i >= 0; i--) sent += Send(chance.Next(Flows), forth: chance.Next(2) == 0);
            for (int i = chance.Next(8); i > 0; i--) stepped.Step();
            if (chance.Next(4) == 0) stepped.Pollers.MoveQueue(queues.Keys.ElementAt(chance.Next(4)), chance.Next(pmds));
            if (chance.Next(3) == 0) stepped.Run(chance.Next(300));
            else stepped.StepUntilIdle();
        }

        stepped.Run(1000);
        Assert.Equal(sent, sink.Count);
        Assert.Equal(0, sink.Disordered);
        d.Settle(stepped.NowMs);
        d.Settle(stepped.NowMs);
        BookTotals device = stepped.Pollers.Device ?? default;
        Assert.Equal((ulong)sent, d.Stats.Rx + device.Packets);
        Assert.Equal((ulong)sent, d.Pipeline.Rules.Where(static r => r.Table == 0).Aggregate(0ul, static (sum, r) => sum + r.Packets));
        if (offload != OffloadMode.None)
        {
            OffloadAudit audit = d.Audit(stepped.NowMs, stepped.Pollers.Device, pushed: true);
            Assert.True(audit.IsBalanced, $"seed {seed}: {string.Join('\n', audit.Lines)}");
            Assert.True(d.Offload!.Stats.Hits > 0, $"seed {seed}: no packet took a merged rule");
        }

        string state = $"{stepped.NowMs} {d.Stats} {d.MegaflowCount} {d.Conntrack.Count} {d.Offload?.Stats.Installed} {d.Stats.MegaflowHits} {d.Stats.Upcalls} {sink.Count}";
        Assert.Equal(4, d.Pipeline.Rules.Count());
        Assert.True(d.Conntrack.Count > 0);

        // Nothing but the pollers sees to it: megaflows after 10 s, rules after 20, connections after their 30 or 60.
        stepped.Run(90_000);
        Assert.Equal(0, d.MegaflowCount);
        Assert.Equal(0, d.Conntrack.Count);
        Assert.Equal(2, d.Pipeline.Rules.Count());
        Assert.Equal(0, d.Offload?.RuleCount ?? 0);
        Assert.All(d.Pmds, static p => Assert.Equal(0, p.Pool.InUse));
        foreach (RingRxQueue ring in rings) ring.Dispose();
        return state;

        int Send(int flow, bool forth)
        {
            byte[] frame = forth ? NicFrame.UdpIpv4((ushort)(1000 + flow), 53, "10.0.0.1", "10.0.0.2", payload: 16) : NicFrame.UdpIpv4(53, (ushort)(1000 + flow), "10.0.0.2", "10.0.0.1", payload: 16);
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(frame.Length - 8), flow + (forth ? 0 : Flows));
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(frame.Length - 4), sent);
            frame.AsSpan(UdpChecksum, 2).Clear();
            return rings[(forth ? 0 : 2) + (flow % 2)].TrySend(frame) ? 1 : throw new InvalidOperationException("the ring is full");
        }
    }

    /// <summary>Nobody looks at what leaves.</summary>
    private sealed class NoSink : IOutputSink
    {
        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
            // It has left.
        }
    }

    /// <summary>Packets carry their flow and a number that grows.</summary>
    private sealed class FlowSink : IOutputSink
    {
        private readonly int[] _last = [.. Enumerable.Repeat(-1, 2 * Flows)];

        public int Count { get; private set; }

        public int Disordered { get; private set; }

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
            int flow = BinaryPrimitives.ReadInt32BigEndian(frame[^8..]), number = BinaryPrimitives.ReadInt32BigEndian(frame[^4..]);
            Count++;
            if (number <= _last[flow]) Disordered++;
            _last[flow] = number;
        }
    }
}
