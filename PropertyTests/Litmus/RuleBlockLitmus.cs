using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// A rule's counter snapshots in the emulated NIC: one thread receives the frames of a rule over refresh epochs, the other queries it. A query in an
/// epoch gives what was counted before that epoch, hits and bytes of the same frames.
/// </summary>
public sealed class RuleBlockLitmus
{
    private const int RefreshNs = 1000;
    private const int FrameBytes = 60;

    [Fact]
    public void A_query_sees_the_whole_snapshot_or_the_one_before() => Explore().MustHold();

    /// <summary>
    /// A receiver that does not wait while another one takes the snapshot gets its own frame into it. Two receivers, one query.
    /// </summary>
    [Fact]
    public void Two_receivers_and_a_query() => new Explorer { MaxPreemptions = 2, MaxRuns = 700, RandomRuns = 200 }.Explore(static () => Run(receivers: 2)).MustHold();

    private static ExplorerResult Explore() => new Explorer { MaxPreemptions = 3, MaxRuns = 1000, RandomRuns = 200 }.Explore(static () => Run(receivers: 1));

    private static LitmusRun Run(int receivers)
    {
        EmulatedNic nic = new(NicProfile.Load("ideal") with { CounterRefreshNs = RefreshNs });
        FlowItem[] pattern = [new FlowItemEth(), new FlowItemIpv4(), new FlowItemUdp { Src = 7 }];
        if (!nic.EnqueueCreate(new FlowRule(new FlowAttr(1, FlowTable.ExactMatch), pattern, [new FlowActionCount(), new FlowActionPort(2)]), 0, 0, out NicHandle handle)) throw new InvalidOperationException("the queue is full");
        NicCompletion[] completions = new NicCompletion[4];
        for (int i = 0; nic.Poll(completions, 0) == 0; i++)
        {
            if (i > 8) throw new InvalidOperationException("no completion");
        }

        if (completions[0].Error is { } error) throw new InvalidOperationException(error.Message);
        NicRxQueue first = nic.OpenRxQueue();
        Receive(first, 0);
        List<Action> threads = [];
        for (int r = 0; r < receivers; r++)
        {
            NicRxQueue queue = r == 0 ? first : nic.OpenRxQueue();
            threads.Add(() =>
            {
                Receive(queue, RefreshNs);
                if (receivers == 1) Receive(queue, 2 * RefreshNs);
            });
        }

        threads.Add(() =>
        {
            // One frame came in epoch 0; of those in epoch 1 a query in epoch 1 knows nothing.
            LitmusViolation.Unless(nic.Query(handle, RefreshNs, out NicCounters c) is null, "no counters");
            LitmusViolation.Unless(receivers == 2 ? c.Hits is 1 : c.Hits is 1 or 2, $"a query in epoch 1 sees {c.Hits} hits instead of 1");
            LitmusViolation.Unless(c.Bytes >= c.Hits * FrameBytes, $"{c.Hits} hits with {c.Bytes} bytes");
        });
        return new LitmusRun(
            threads,
            () =>
            {
                LitmusViolation.Unless(nic.Query(handle, 9 * RefreshNs, out NicCounters c) is null && c.Hits == 3 && c.Bytes == 3 * FrameBytes, $"{c.Hits} hits, {c.Bytes} bytes in the end");
            },
            nic);
    }

    private static void Receive(NicRxQueue queue, long nowNs)
    {
        byte[] frame = FrameWriter.Write(new FrameSpec { Proto = 17, SrcPort = 7, DstPort = 9 });
        byte[] buffer = new byte[NicRxQueue.HeadroomBytes + FrameBytes];
        frame.CopyTo(buffer, NicRxQueue.HeadroomBytes);
        NoSink sink = default;
        LitmusViolation.Unless(queue.Receive(1, buffer, NicRxQueue.HeadroomBytes, FrameBytes, nowNs, ref sink, out _), "no hit");
    }

    private readonly struct NoSink : INicSink
    {
        public void Transmit(uint port, ReadOnlySpan<byte> frame)
        {
        }
    }
}
