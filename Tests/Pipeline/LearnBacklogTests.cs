using Xunit;

namespace Mergeflow.Tests;

/// <summary>A packet thread does not wait for tables that an order is changing: what its packets learn meanwhile is learned behind that order.</summary>
public sealed class LearnBacklogTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private static readonly FlowTextParser s_parser = new();

    [Fact]
    public void What_is_learned_beside_an_order_is_learned_behind_it_and_in_order()
    {
        OfPipeline tables = Tables();
        LearnBacklog backlog = new();
        using (Order order = new(tables))
        {
            order.RunWhileTablesAreHeld(() =>
            {
                Assert.True(backlog.Learn(tables, Rule(1, "output:1"), 0, 0));
                Assert.True(backlog.Learn(tables, Rule(1, "output:2"), 0, 0));
                Assert.Equal((2, 2ul, 0ul), (backlog.Count, backlog.PutOff, backlog.Refused));
                Assert.False(backlog.TryNext());
            });
        }

        // Whoever learns now is behind those that wait.
        Assert.True(backlog.Learn(tables, Rule(1, "output:3"), 0, 0));
        Assert.Equal(3, backlog.Count);
        Assert.DoesNotContain(tables.Rules, static r => r.Table == 5);
        for (int i = 1; i <= 3; i++)
        {
            Assert.True(backlog.TryNext());
            Assert.Equal(s_parser.ParseFlow($"actions=output:{i}").Actions, Assert.Single(tables.Rules, static r => r.Table == 5).Actions);
        }

        Assert.False(backlog.TryNext());
        Assert.True(backlog.Learn(tables, Rule(2, "output:1"), 0, 0));
        Assert.Equal(2, tables.Rules.Count(static r => r.Table == 5));
    }

    [Fact]
    public void What_finds_no_room_is_counted()
    {
        OfPipeline tables = Tables();
        LearnBacklog backlog = new();
        using Order order = new(tables);
        order.RunWhileTablesAreHeld(() =>
        {
            for (int i = 0; i < LearnBacklog.Capacity + 3; i++) Assert.True(backlog.Learn(tables, Rule(i, "output:1"), 0, 0));
        });
        Assert.Equal((LearnBacklog.Capacity, (ulong)LearnBacklog.Capacity, 3ul), (backlog.Count, backlog.PutOff, backlog.Refused));
    }

    /// <summary>The whole way: a packet whose flow learns goes through while an order holds the tables, and so does a packet whose megaflow has learned before.</summary>
    [Fact]
    public void A_packet_goes_through_while_an_order_holds_the_tables()
    {
        using Engine.Runtime.Datapath datapath = new(new DatapathOptions { Ports = [("p1", 1), ("p2", 2)], PacketCapacity = 64, FrameCapacityBytes = 2048, MegaflowCapacity = 64 }, sink: null);
        datapath.ApplyFlowMods(s_parser.ParseFlows("table=0,ip actions=learn(table=5,priority=7,eth_type=0x800,NXM_OF_IP_DST[]=NXM_OF_IP_SRC[],output:NXM_OF_IN_PORT[]),output:2"), 0);
        using RingRxQueue ring = new(1);
        using SteppedSwitch stepped = new(datapath, new Dictionary<RxQueueName, RxQueue> { [new RxQueueName(1, 0)] = ring }, seed: 1);
        using (Order order = new(datapath.Pipeline))
        {
            order.RunWhileTablesAreHeld(() =>
            {
                Assert.True(ring.TrySend(Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53)));
                stepped.Pollers.Pmds[0].Step(0);
                Assert.Equal(1ul, datapath.Stats.Tx);
                Assert.Equal((1ul, 0ul), datapath.Learned);
            });
        }

        stepped.Run(2);
        Assert.Single(datapath.Pipeline.Rules, static r => r.Table == 5);
    }

    private static OfPipeline Tables() => new(new PipelineOptions { Ports = [.. Enumerable.Range(1, 3).Select(static n => new PipelinePort($"p{n}", (uint)n))] });

    private static FlowMod Rule(int n, string actions) => s_parser.ParseFlow($"table=5,priority=7,ip,nw_dst=10.1.{n / 256}.{n % 256} actions={actions}");

    /// <summary>An order of another thread, which is in the middle of it for as long as one wants.</summary>
    private sealed class Order : IDisposable
    {
        private readonly ManualResetEventSlim _held = new();
        private readonly ManualResetEventSlim _go = new();
        private readonly Thread _thread;

        public Order(OfPipeline tables)
        {
            tables.Watch(_ =>
            {
                _held.Set();
                _go.Wait(s_patience);
            });
            _thread = new Thread(() => tables.ApplyAll(s_parser.ParseFlows("table=1 actions=drop"))) { IsBackground = true };
        }

        public void RunWhileTablesAreHeld(Action work)
        {
            _thread.Start();
            Assert.True(_held.Wait(s_patience), "the order has not begun");
            try
            {
                work();
            }
            finally
            {
                _go.Set();
                Assert.True(_thread.Join(s_patience), "the order has not ended");
            }
        }

        public void Dispose()
        {
            // The events stay: those who change the tables later look at them.
        }
    }
}
