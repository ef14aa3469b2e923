using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Litmus test of the gate: readers check that two numbers, which the writer changes one after the other, are equal.</summary>
public sealed class NicGateTests
{
    private const int RunMs = 700;

    /// <summary>On a busy machine one side may not run for long: each race goes on until both sides had their turns.</summary>
    private const int LongestRunMs = 60_000;
    private const int MinReads = 1000;
    private const int MinWrites = 100;

    private long _left;
    private long _right;

    [Fact]
    public void NoReaderIsInsideWhileTheWriterIs()
    {
        (long reads, long writes, long torn) = Race(new NicGate<ProcessWideFence>(), static gate => gate.AddReader(), static (g, r) => g.Enter(r), static (g, r) => g.Exit(r), static g => g.Close(), static g => g.Open());
        Assert.Equal(0, torn);
        Assert.True(reads > MinReads && writes > MinWrites, $"{reads} reads, {writes} writes");
    }

    /// <summary>A gate whose writer does not wait for readers that are inside (step W3 left out) must be caught.</summary>
    [Fact]
    public void AGateThatDoesNotWaitIsCaught()
    {
        var closed = new StrongBox();
        (long reads, long writes, long torn) = Race(closed, static _ => 0, static (c, _) => SpinWait.SpinUntil(() => Volatile.Read(ref c.Value) == 0), static (_, _) => { },
            static c => Interlocked.Exchange(ref c.Value, 1), static c => Volatile.Write(ref c.Value, 0));
        Assert.True(torn > 0, $"the broken twin was not caught in {reads} reads and {writes} writes");
    }

    /// <summary>A gate without the fence of step W2 must be caught: a reader's R1 is still in its store buffer when the writer looks.</summary>
    [Fact]
    public void AGateWithoutTheFenceIsCaught()
    {
        for (int attempt = 0; attempt < 40; attempt++)
        {
            (_, _, long torn) = Race(new NicGate<NoFence>(), static gate => gate.AddReader(), static (g, r) => g.Enter(r), static (g, r) => g.Exit(r), static g => g.Close(), static g => g.Open());
            if (torn > 0) return;
        }
        Assert.Fail("the broken twin was never caught");
    }

    private readonly struct NoFence : IGateFence
    {
        public static void Synchronize()
        {
        }
    }

    private sealed class StrongBox
    {
        public int Value;
    }

    private (long Reads, long Writes, long Torn) Race<TGate>(TGate gate, Func<TGate, int> add, Action<TGate, int> enter, Action<TGate, int> exit, Action<TGate> close, Action<TGate> open)
    {
        long reads = 0, writes = 0, torn = 0;
        bool stop = false;
        var reader = new Thread(() =>
        {
            int id = add(gate);
            byte[] far = new byte[64 << 20];
            uint at = 1;
            while (!Volatile.Read(ref stop))
            {
                // Stores that miss the cache fill the store buffer, so that the gate's own store stays in it for a while.
                for (int i = 0; i < 24; i++)
                {
                    at = (at * 1664525) + 1013904223;
                    far[at & ((64 << 20) - 1)] = (byte)at;
                }
                enter(gate, id);
                long left = Volatile.Read(ref _left);
                Thread.SpinWait(20);
                if (Volatile.Read(ref _right) != left) torn++;
                exit(gate, id);
                Volatile.Write(ref reads, reads + 1);
            }
        });
        reader.Start();
        long startMs = Environment.TickCount64;
        while (Volatile.Read(ref torn) == 0)
        {
            long runMs = Environment.TickCount64 - startMs;
            if (runMs > LongestRunMs || (runMs > RunMs && Volatile.Read(ref reads) > MinReads && writes > MinWrites)) break;
            close(gate);
            Volatile.Write(ref _left, ++writes);
            Thread.SpinWait(20);
            Volatile.Write(ref _right, writes);
            open(gate);
            Thread.SpinWait(50);
            if ((writes & 1023) == 0) Thread.Yield();
        }
        Volatile.Write(ref stop, true);
        reader.Join();
        return (reads, writes, torn);
    }

    [Fact]
    public void RulesComeAndGoWhileFramesArrive()
    {
        using var nic = new EmulatedNic(NicProfile.Load("ideal"));
        FlowItem[] pattern = [new FlowItemEth(), new FlowItemIpv4(), new FlowItemTcp { Src = 1000 }];
        var rule = new FlowRule(new FlowAttr(1, FlowTable.ExactMatch), pattern, [new FlowActionCount(), new FlowActionSetTtl(9), new FlowActionPort(2)]);
        byte[] expected = NicFrame.TcpIpv4(ttl: 9);
        bool stop = false;
        long hits = 0, misses = 0, wrong = 0;
        var receiver = new Thread(() =>
        {
            NicRxQueue queue = nic.OpenRxQueue();
            byte[] frame = NicFrame.TcpIpv4();
            byte[] buffer = new byte[NicRxQueue.HeadroomBytes + frame.Length];
            var sink = new NicSink([]);
            while (!Volatile.Read(ref stop))
            {
                frame.CopyTo(buffer, NicRxQueue.HeadroomBytes);
                if (!queue.Receive(1, buffer, NicRxQueue.HeadroomBytes, frame.Length, 0, ref sink, out _))
                {
                    Volatile.Write(ref misses, misses + 1);
                    continue;
                }
                Volatile.Write(ref hits, hits + 1);
                if (sink.Sent.Count != 1 || !sink.Sent[0].Frame.AsSpan().SequenceEqual(expected)) wrong++;
                sink.Sent.Clear();
            }
        });
        receiver.Start();
        var completions = new NicCompletion[8];
        ulong counted = 0;
        long startMs = Environment.TickCount64;
        while (true)
        {
            long runMs = Environment.TickCount64 - startMs;
            if (runMs > LongestRunMs || (runMs > RunMs && Volatile.Read(ref hits) > 0 && Volatile.Read(ref misses) > 0)) break;
            Assert.True(nic.EnqueueCreate(rule, 0, 0, out NicHandle handle));
            Assert.Equal(1, nic.Poll(completions, 0));
            Assert.Null(completions[0].Error);
            Thread.SpinWait(300);
            Assert.True(nic.EnqueueDestroy(handle, 0, 0));
            Assert.Equal(1, nic.Poll(completions, 0));
            counted += completions[0].Counters.Hits;
            Thread.SpinWait(300);
        }
        Volatile.Write(ref stop, true);
        receiver.Join();
        Assert.Equal(0, wrong);
        Assert.Equal((ulong)hits, counted);
        Assert.True(hits > 0 && misses > 0, $"{hits} hits, {misses} misses");
    }
}
