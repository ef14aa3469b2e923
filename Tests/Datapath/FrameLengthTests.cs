using System.Buffers.Binary;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The lengths at which something changes: what a port takes, and the longest frame that there can be, with what is put in front of it.</summary>
public sealed class FrameLengthTests
{
    private const int MtuBytes = 1500;

    /// <summary>Behind the Ethernet header, and behind one tag of type 0x8100, there is room for the MTU.</summary>
    [Theory]
    [InlineData(0x0800, MtuBytes + 14, true)]
    [InlineData(0x0800, MtuBytes + 15, false)]
    [InlineData(0x8100, MtuBytes + 14, true)]
    [InlineData(0x8100, MtuBytes + 18, true)]
    [InlineData(0x8100, MtuBytes + 19, false)]
    [InlineData(0x88a8, MtuBytes + 14, true)]
    [InlineData(0x88a8, MtuBytes + 15, false)]
    [InlineData(0x88a8, MtuBytes + 18, false)]
    [InlineData(0x0800, 14, true)]
    public void A_frame_of_exactly_the_limit_is_sent(int type, int lengthBytes, bool isSent)
    {
        foreach (OffloadMode offload in Enum.GetValues<OffloadMode>())
        {
            byte[] frame = new byte[lengthBytes];
            (frame[0], frame[6]) = (2, 2);
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), (ushort)type);
            var sink = new Sink();
            using var simulator = new Simulator(
                new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], MtuBytes = MtuBytes, BatchSize = 1, Offload = offload, TcpSeqChk = offload != OffloadMode.Nic, PacketCapacity = 64 }, sink);
            simulator.ApplyFlowMods([new FlowTextParser().ParseFlow("actions=output:2")]);

            // The second one may take a merged rule.
            for (int i = 0; i < 2; i++) simulator.Receive(1, frame, i);
            simulator.Settle();
            Assert.Equal(isSent ? [lengthBytes, lengthBytes] : [], sink.Frames.Select(f => f.Length));
        }
    }

    /// <summary>
    /// A frame and the room in front of it are never longer than 65,535 bytes together, whatever is pushed: the 16 bits of a length or an offset do not wrap.
    /// </summary>
    [Theory]
    [InlineData("type=vxlan,remote_ip=192.0.2.2,key=100,csum=true", 20, true)]
    [InlineData("type=geneve,remote_ip=192.0.2.2,key=100", 20, true)]
    [InlineData("type=gre,remote_ip=192.0.2.2,key=100,csum=true", 20, false)]
    [InlineData("type=vxlan,remote_ip=2001:db8::2,key=100", 40, true)]
    public void The_longest_frame_fits_any_tunnel(string tunnel, int networkBytes, bool isUdp)
    {
        bool ipv6 = networkBytes == 40;
        string address = ipv6 ? "2001:db8::1" : "192.0.2.1";
        var sink = new Sink();
        using var simulator = new Simulator(
            new SimulatorOptions
            {
                Ports = [("p1", 1), ("p2", 2), ("t", 10)],
                Tunnels = [new TunnelPortParser(PortNames.None).Parse(10, $"{tunnel},out=2,addr={address},mac=02:00:00:00:01:01,gw_mac=02:00:00:00:02:02")],
                MtuBytes = ushort.MaxValue,
                FrameCapacityBytes = Packet.MaxLengthBytes,
                PacketCapacity = 64,
                BatchSize = 1,
                GuardPages = true,
            },
            sink);
        var parser = new FlowTextParser();
        simulator.ApplyFlowMods([parser.ParseFlow("priority=9,actions=push_vlan:0x88a8,push_vlan:0x8100,output:10")]);
        byte[] inner = Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53, Packet.MaxLengthBytes - 42, checksum: false);
        Assert.Equal(Packet.MaxLengthBytes, inner.Length);
        simulator.Receive(1, inner, 0);
        simulator.Settle();
        byte[] outer = Assert.Single(sink.Frames);
        Assert.Equal(inner[..12], outer[^(inner.Length + 8)..^(inner.Length - 4)]);
        Assert.Equal(inner[12..], outer[^(inner.Length - 12)..]);
        Assert.Equal(outer.Length - 14 - (ipv6 ? 40 : 0), BinaryPrimitives.ReadUInt16BigEndian(outer.AsSpan(14 + (ipv6 ? 4 : 2))));
        if (isUdp) Assert.Equal(outer.Length - 14 - networkBytes, BinaryPrimitives.ReadUInt16BigEndian(outer.AsSpan(14 + networkBytes + 4)));
        Assert.True(outer.Length <= ushort.MaxValue);
    }

    /// <summary>A register that a packet has filled may name a port; its upper half is not cut off.</summary>
    [Theory]
    [InlineData("10.1.0.1", "0.0.0.2", 1)]
    [InlineData("10.1.0.1", "0.1.0.2", 0)]
    [InlineData("10.1.0.1", "128.0.0.2", 0)]
    public void A_port_of_more_than_16_bits_is_none(string src, string dst, int sentCount)
    {
        var sink = new Sink();
        using var simulator = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], BatchSize = 1, PacketCapacity = 64 }, sink);
        simulator.ApplyFlowMods([new FlowTextParser().ParseFlow("ip,actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],output:NXM_NX_REG0[]")]);
        simulator.Receive(1, Frames.Udp(src, 1000, dst, 53), 0);
        simulator.Settle();
        Assert.Equal(sentCount, sink.Frames.Count);
    }

    [Fact]
    public void A_longer_frame_does_not_fit_a_pool()
        => Assert.Throws<ArgumentOutOfRangeException>(() => new PacketPool(1, Packet.MaxLengthBytes + 1));

    private sealed class Sink : IOutputSink
    {
        public List<byte[]> Frames { get; } = [];

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => Frames.Add(frame.ToArray());
    }
}
