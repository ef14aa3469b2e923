using Xunit;

namespace Mergeflow.Tests;

/// <content>Packet threads that start and end while the others run.</content>
public sealed partial class ThreadedSwitchTests
{
    /// <summary>A thread that ends has given up its queues before: nothing is lost, and each queue stays in order.</summary>
    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    public void Packet_threads_come_and_go_while_packets_pass(OffloadMode offload)
    {
        OrderedSink sink = new();
        using Engine.Runtime.Datapath d = New(offload, sink, pmds: 3);
        d.ApplyFlowMods(s_parser.ParseFlows("in_port=1 actions=output:2"), Now);
        using CaptureRxQueue moving = Numbered();
        RxQueueName queue = new(1, 0);
        using (ThreadedSwitch threads = new(d, new Dictionary<RxQueueName, RxQueue>(), new ThreadedSwitchOptions { StartedPmds = 1, TimesQueues = true }))
        {
            d.Queues.Add(1, 1, QueueAssignment.Nobody);
            threads.Pollers.Add(queue, moving);
            threads.Start();
            threads.Pollers.MoveQueue(queue, 0);
            for (int round = 0; round < 50; round++)
            {
                int pmd = 1 + (round % 2);
                threads.StartPmd(pmd, null);
                Assert.Throws<InvalidOperationException>(() => threads.StartPmd(pmd, null));
                threads.Pollers.MoveQueue(queue, pmd);
                WaitForMore(sink);
                Assert.Throws<InvalidOperationException>(() => threads.EndPmd(pmd, Now));
                if (round % 3 == 0) threads.Pollers.HoldQueue(queue);
                else threads.Pollers.MoveQueue(queue, 0);
                threads.EndPmd(pmd, Now);
                Assert.Equal(0, d.Pmds[pmd].Megaflows.Count);
                if (round % 3 == 0) threads.Pollers.MoveQueue(queue, 0);
                WaitForMore(sink);
            }

            Assert.True(threads.Pollers.BusyTicksOf(queue) > 0);
            Assert.Null(threads.Failure);
        }

        Assert.Equal(0, sink.Disordered);
        Assert.Equal((long)d.Stats.Rx, sink.Count);
        Assert.All(d.Pmds, static p => Assert.True(p.Thread.Stats.Rx > 100));
        d.Settle(Now);
        Assert.Equal(d.Stats.Rx, d.Pipeline.Rules.Single().Packets);
    }

    private static void WaitForMore(OrderedSink sink)
    {
        long seen = sink.Count;
        WaitFor(() => sink.Count > seen);
    }

    /// <summary>Nobody steps a thread that has ended: its connections age all the same.</summary>
    [Fact]
    public void Connections_of_a_thread_that_has_ended_come_to_their_end()
    {
        CountingSink sink = new();
        using Engine.Runtime.Datapath d = New(OffloadMode.None, sink, pmds: 2);
        d.Conntrack.SetTimeoutPolicy(new CtTimeoutPolicy(7, new Dictionary<CtTimeout, uint> { [CtTimeout.OtherFirst] = 5 }));
        d.Conntrack.SetZoneTimeouts(5, 7);
        d.ApplyFlowMods(s_parser.ParseFlows(Tables), Now);
        using RingRxQueue ring = new(1);
        using ThreadedSwitch threads = new(d, new Dictionary<RxQueueName, RxQueue>(), new ThreadedSwitchOptions { StartedPmds = 1 });
        d.Queues.Add(1, 1, QueueAssignment.Nobody);
        threads.Pollers.Add(new RxQueueName(1, 0), ring);
        threads.Start();
        threads.StartPmd(1, null);
        threads.Pollers.MoveQueue(new RxQueueName(1, 0), 1);
        Assert.True(ring.TrySend(NicFrame.UdpIpv4(1000, 53, "10.0.0.1", "10.0.0.2", payload: 64)));
        WaitFor(() => d.Conntrack.Count == 1);
        threads.Pollers.HoldQueue(new RxQueueName(1, 0));
        threads.EndPmd(1, Now);
        Assert.Equal(1, d.Conntrack.Count);
        WaitFor(() => d.Conntrack.Count == 0);
    }
}
