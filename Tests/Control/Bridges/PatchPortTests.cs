using System.Buffers.Binary;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A patch between two datapaths that run on threads of their own.</summary>
public sealed class PatchPortTests
{
    private const int Frames = 100_000;
    private const int LeastBytes = 64;
    private const int NumberAt = 40;

    [Fact]
    public void Every_frame_comes_out_at_the_peer_as_it_was_and_in_order_or_is_counted()
    {
        LivePortSink way = new();
        NumberSink sink = new();
        using Engine.Runtime.Datapath a = New([("in", 1)], way, "in_port=1,actions=output:2"), b = New([("pb", 3), ("out", 4)], new OutputSinkAdapter(sink), "in_port=3,actions=output:4");
        using RingRxQueue frames = new(1);
        using PatchPort pb = new(3, "pb", 1, 2);
        PatchPort pa = new(2, "pa", 1, 1) { Peer = pb };
        using ThreadedSwitch first = new(a, new Dictionary<RxQueueName, RxQueue> { [new(1, 0)] = frames }), second = new(b, new Dictionary<RxQueueName, RxQueue> { [new(3, 0)] = pb.Rx(0) });
        first.Start();
        second.Start();
        LivePorts ports = new(a, first.Pollers, [way]);
        ports.Add(pa, Environment.TickCount64);
        Random random = new(1);
        byte[] frame = new byte[1500];
        NicFrame.UdpIpv4(1000, 53, "10.0.0.1", "10.0.0.2").CopyTo(frame, 0);
        for (int i = 1; i <= Frames; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(NumberAt), i);
            int length = random.Next(LeastBytes, frame.Length);
            frame[length - 1] = (byte)i;
            while (!frames.TrySend(frame.AsSpan(0, length))) Thread.Yield();
            frame[length - 1] = 0;
        }

        Eventually.True(() => pa.Statistics() is { } sent && sent.TxPackets + sent[PortDrop.TxFull] == Frames && sent.TxPackets == pb.Statistics().RxPackets + pb.Statistics()[PortDrop.RxNoMemory], "all frames have crossed");
        Eventually.True(() => sink.Count == (long)pb.Statistics().RxPackets, "all frames have left");
        Assert.Equal(0, sink.Wrong);
        Assert.InRange(sink.Count, Frames / 100, Frames);
        Assert.Equal(pa.Statistics().TxBytes, pb.Statistics().RxBytes);

        // Without a peer a frame is lost, and counted.
        pa.Peer = null;
        Assert.True(frames.TrySend(frame.AsSpan(0, LeastBytes)));
        Eventually.True(() => pa.Statistics()[PortDrop.TxDown] == 1, "the frame is counted");
        ports.Remove(2, Environment.TickCount64);
    }

    private static Engine.Runtime.Datapath New((string Name, uint Number)[] ports, IPacketSink sink, string flows)
    {
        Engine.Runtime.Datapath datapath = new(new DatapathOptions { Ports = ports, PacketCapacity = 512, FrameCapacityBytes = 2048, LargeFrameCapacity = 4 }, sink);
        datapath.ApplyFlowMods(new FlowTextParser().ParseFlows(flows), Environment.TickCount64);
        return datapath;
    }

    /// <summary>Frames have a number that rises, and its last byte at their end.</summary>
    private sealed class NumberSink : IOutputSink
    {
        private int _last;
        private long _count;

        public long Count => Volatile.Read(ref _count);

        public int Wrong { get; private set; }

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
            int number = BinaryPrimitives.ReadInt32BigEndian(frame[NumberAt..]);
            if (number <= _last || frame[^1] != (byte)number || port != 4) Wrong++;
            _last = number;
            Volatile.Write(ref _count, _count + 1);
        }
    }
}
