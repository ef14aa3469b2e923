using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The gate on real threads; its protocol, step by step, is in <c>PropertyTests/Litmus</c>.</summary>
public sealed class NicGateTests
{
    private const int Rules = 20_000;

    /// <summary>Of so many rules one waits for a frame that hits and one that misses; the others race.</summary>
    private const int MeetingPeriod = 64;

    /// <summary>Hits and misses that the meetings alone make certain.</summary>
    private const int MinFrames = Rules / MeetingPeriod;

    [Fact]
    public void Rules_come_and_go_while_frames_arrive()
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
        for (int i = 0; i < Rules; i++)
        {
            Assert.True(nic.EnqueueCreate(rule, 0, 0, out NicHandle handle));
            Assert.Equal(1, nic.Poll(completions, 0));
            Assert.Null(completions[0].Error);
            Race(i);
            Assert.True(nic.EnqueueDestroy(handle, 0, 0));
            Assert.Equal(1, nic.Poll(completions, 0));
            counted += completions[0].Counters.Hits;
            Race(i);
        }
        Volatile.Write(ref stop, true);
        receiver.Join();
        Assert.Equal(0, wrong);
        Assert.Equal((ulong)hits, counted);
        Assert.True(hits >= MinFrames && misses >= MinFrames, $"{hits} hits, {misses} misses");

        // The second frame from here has begun here: the rule is there for all of it, or for nothing of it.
        void Race(int rule)
        {
            if (rule % MeetingPeriod != 0)
            {
                Thread.SpinWait(300);
                return;
            }

            long until = Volatile.Read(ref hits) + Volatile.Read(ref misses) + 2;
            for (SpinWait spin = default; Volatile.Read(ref hits) + Volatile.Read(ref misses) < until;) spin.SpinOnce();
        }
    }
}
