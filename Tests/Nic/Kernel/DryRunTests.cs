using System.Buffers.Binary;
using Mergeflow.Engine.Pmd;
using Mergeflow.Engine.Runtime;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What the shadow check takes the transport checksum of a frame for.</summary>
public sealed class DryRunTests
{
    private const int IpAt = 14, UdpAt = 34, SumAt = UdpAt + 6, PayloadAt = UdpAt + 8, Length = PayloadAt + 2;

    [Fact]
    public void A_checksum_that_is_the_sum_of_the_pseudo_header_too_is_taken_both_ways()
    {
        using Engine.Runtime.Datapath d = new(new DatapathOptions { Ports = [("p1", 1)], PacketCapacity = 64, FrameCapacityBytes = 2048 }, sink: null);
        PmdContext pmd = d.Pmds[0];
        using DryRun dry = new(d.Pipeline, d.Recirc, pmd.Conntrack, pmd.Pool, pmd.Ports, pmd.HashKey, oneTag: false);
        int both = 0;
        for (int payload = 0; payload <= ushort.MaxValue; payload++)
        {
            byte[] frame = Frame((ushort)payload);
            ushort pseudo = Folded(PseudoHeader(frame)), finished = (ushort)~Folded(PseudoHeader(frame) + Words(frame.AsSpan(UdpAt)));
            if (finished == 0) finished = 0xffff;
            bool isBoth = pseudo == finished;
            if (!isBoth && payload % 1000 != 0) continue;
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(SumAt), finished);
            Assert.Equal(isBoth ? [false, true] : [false], dry.IsPartial(frame, Length, 0));
            both += isBoth ? 1 : 0;
            if (isBoth) continue;
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(SumAt), pseudo);
            Assert.Equal([true, false], dry.IsPartial(frame, Length, 0));
        }

        Assert.Equal(1, both);
    }

    private static byte[] Frame(ushort payload)
    {
        byte[] frame = new byte[Length];
        Convert.FromHexString("020000000301" + "020000000102" + "0800" + "4500001e000040004011" + "0000" + "0a000001" + "0a000002" + "04d2162e000a0000").CopyTo(frame, 0);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(PayloadAt), payload);
        NicFrame.SetIpv4Checksum(frame);
        return frame;
    }

    /// <summary>RFC 768: addresses, protocol, length.</summary>
    private static uint PseudoHeader(byte[] frame) => Words(frame.AsSpan(IpAt + 12, 8)) + 17 + (Length - UdpAt);

    private static uint Words(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int i = 0; i < bytes.Length; i += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        return sum;
    }

    private static ushort Folded(uint sum)
    {
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
    }
}
