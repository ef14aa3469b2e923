using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Who handles messages, and in which order, when many ask at once.</summary>
public sealed class OfTurnsTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void Turns_come_in_the_order_in_which_they_were_asked_for()
    {
        OfTurns turns = new(1);
        List<int> order = [];
        turns.Enter();
        Thread[] threads = new Thread[8];
        for (int i = 0; i < threads.Length; i++)
        {
            int number = i;
            threads[i] = new Thread(() =>
            {
                turns.Enter();
                order.Add(number);
                turns.Exit();
            });
            threads[i].Start();
            Assert.True(SpinWait.SpinUntil(() => (threads[number].ThreadState & ThreadState.WaitSleepJoin) != 0, s_patience));
        }

        turns.Exit();
        Assert.All(threads, static t => Assert.True(t.Join(s_patience)));
        Assert.Equal(Enumerable.Range(0, threads.Length), order);
    }

    [Fact]
    public void Not_more_than_so_many_have_a_turn_at_once()
    {
        OfTurns turns = new(2);
        int inside = 0, most = 0;
        Thread[] threads = [.. Enumerable.Range(0, 6).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 2000; i++)
            {
                turns.Enter();
                int now = Interlocked.Increment(ref inside);
                for (int seen = Volatile.Read(ref most); now > seen; seen = Volatile.Read(ref most)) Interlocked.CompareExchange(ref most, now, seen);
                if (i % 16 == 0) Thread.Yield();
                Interlocked.Decrement(ref inside);
                turns.Exit();
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        Assert.All(threads, static t => Assert.True(t.Join(s_patience)));
        Assert.InRange(most, 1, 2);
        turns.Enter();
        turns.Enter();
        turns.Exit();
        turns.Exit();
    }

    [Fact]
    public void Who_waits_for_somebody_to_read_has_no_turn_meanwhile()
    {
        OfTurns turns = new(1);
        var outbox = new OfOutbox(s_patience);
        byte[] message = new byte[60_000];
        using ManualResetEventSlim isFull = new();
        Thread slow = new(() =>
        {
            turns.Enter();
            for (int i = 0; i < 18; i++) outbox.Send(message);
            isFull.Set();
            outbox.Send(message);
            turns.Exit();
        });
        slow.Start();
        Assert.True(isFull.Wait(s_patience, TestContext.Current.CancellationToken));

        // The turn can be had although its owner has not come to an end; then it goes back.
        turns.Enter();
        Assert.True(slow.IsAlive);
        Assert.NotNull(outbox.Take());
        turns.Exit();
        Assert.True(slow.Join(s_patience));
        turns.Enter();
        turns.Exit();
    }

    [Fact]
    public void Nothing_more_is_answered_to_one_who_has_gone()
    {
        GoneSink sink = new();
        OfConnection connection = new(new PlainOfSwitch(), sink, new OfConnectionGroup());
        byte[] hello = OfCodec.Encode(new OfHello { Kind = OfKind.Hello }, OfVersion.V13), echo = OfCodec.Encode(new OfOpaque { Kind = OfKind.EchoRequest, Xid = 5 }, OfVersion.V13);
        Assert.True(connection.Receive([.. hello, .. echo]));
        Assert.Equal(1, sink.Count);
        sink.IsClosed = true;
        Assert.False(connection.Receive([.. echo, .. echo]));
        Assert.Equal(1, sink.Count);
    }

    private sealed class GoneSink : IOfSink
    {
        public bool IsClosed { get; set; }

        public int Count { get; private set; }

        public void Send(ReadOnlySpan<byte> messages) => Count++;

        public bool TrySend(ReadOnlySpan<byte> message) => true;
    }
}
