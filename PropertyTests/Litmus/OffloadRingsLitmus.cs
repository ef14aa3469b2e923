using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>The two rings between a packet thread and its offload thread: <see cref="TraceRing"/> and <see cref="ConnEventRing"/>.</summary>
public sealed class OffloadRingsLitmus
{
    private const int Records = 3;
    private static readonly Explorer s_explorer = new() { MaxPreemptions = 4, MaxRuns = 6000, RandomRuns = 500 };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Traces_arrive_whole_and_in_order(int capacity) => s_explorer.Explore(() => Traces(capacity)).MustHold();

    [Fact]
    public void A_trace_that_is_published_before_it_is_written_is_caught() => s_explorer.Explore(static () => Traces(2, publishesFirst: true)).MustBeCaught("trace");

    [Fact]
    public void A_trace_that_is_released_before_it_is_read_is_caught() => s_explorer.Explore(static () => Traces(1, releasesFirst: true)).MustBeCaught("trace");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Events_arrive_or_their_loss_is_reported(int capacity) => s_explorer.Explore(() => Events(capacity, asksForLoss: true)).MustHold();

    [Fact]
    public void A_consumer_that_does_not_ask_for_losses_is_caught() => s_explorer.Explore(static () => Events(1, asksForLoss: false)).MustBeCaught("lost");

    private static LitmusRun Traces(int capacity, bool publishesFirst = false, bool releasesFirst = false)
    {
        TraceRing ring = new(capacity);
        return new LitmusRun(
        [
            () =>
            {
                for (ulong n = 1; n <= Records; n++)
                {
                    Trace? trace;
                    for (SpinWait spin = default; (trace = ring.TryBegin()) is null;) Interleaving.Wait(ref spin, "full");
                    if (publishesFirst) ring.Publish();
                    Interleaving.Step("write");
                    trace.FlowHash = n;
                    Interleaving.Step("write");
                    trace.OriginalLengthBytes = (int)n;
                    if (!publishesFirst) ring.Publish();
                }
            },
            () =>
            {
                for (ulong n = 1; n <= Records; n++)
                {
                    Trace? trace;
                    for (SpinWait spin = default; (trace = ring.Peek()) is null;) Interleaving.Wait(ref spin, "empty");
                    if (releasesFirst) ring.Release();
                    Interleaving.Step("read");
                    ulong hash = trace.FlowHash;
                    Interleaving.Step("read");
                    LitmusViolation.Unless(hash == n && trace.OriginalLengthBytes == (int)n, $"trace {n} reads {hash}, {trace.OriginalLengthBytes}");
                    if (!releasesFirst) ring.Release();
                }
            },
        ]);
    }

    private static LitmusRun Events(int capacity, bool asksForLoss)
    {
        ConnEventRing ring = new(capacity);
        List<int> taken = [];
        bool isLossKnown = false;
        void Drain()
        {
            while (ring.TryTake(out ConnRef e))
            {
                LitmusViolation.Unless((uint)e.ConnId == e.Generation && e.ConnId > 0, $"event {e.ConnId} with generation {e.Generation}");
                taken.Add(e.ConnId);
            }

            if (asksForLoss && ring.TakeOverflow()) isLossKnown = true;
        }

        return new LitmusRun(
            [
                () =>
                {
                    for (int n = 1; n <= Records; n++) ring.Add(n, (uint)n);
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
                LitmusViolation.Unless(taken.SequenceEqual(taken.Distinct().Order()), "events came twice or out of order");
                LitmusViolation.Unless(taken.Count == Records || isLossKnown, "events were lost, and nobody knows");
            });
    }
}
