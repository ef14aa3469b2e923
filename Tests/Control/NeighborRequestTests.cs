using Mergeflow.Control;
using Mergeflow.Engine.Keys;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Frames that ask for neighbours, byte by byte.</summary>
public sealed class NeighborRequestTests
{
    [Fact]
    public void An_ARP_request_is_as_RFC_826_has_it()
        => Assert.Equal("ffffffffffffaa55aa55000008060001080006040001aa55aa550000ac1f0101000000000000ac1f0102", Convert.ToHexStringLower(NeighborRequest.Write(0xaa55_aa55_0000, Raw("172.31.1.1"), Raw("172.31.1.2"), isIpv6: false)));

    [Fact]
    public void A_solicitation_goes_to_the_solicited_node_and_its_checksum_is_right()
    {
        byte[] frame = NeighborRequest.Write(0xaa55_aa55_0000, Raw("2001:cafe::88"), Raw("2001:cafe::1:2:3492"), isIpv6: true);
        Assert.Equal(86, frame.Length);
        Assert.Equal("3333ff023492aa55aa55000086dd6000000000203aff", Convert.ToHexStringLower(frame.AsSpan(0, 22)));
        Assert.Equal("ff0200000000000000000001ff023492", Convert.ToHexStringLower(frame.AsSpan(38, 16)));
        Assert.Equal("0101aa55aa550000", Convert.ToHexStringLower(frame.AsSpan(78, 8)));

        // Ones' complement sum over the pseudo-header and the message, the checksum included (RFC 4443, 2.3).
        uint sum = 58 + 32;
        for (int i = 22; i < frame.Length; i += 2) sum += (uint)((frame[i] << 8) | frame[i + 1]);
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        Assert.Equal(0xffffu, sum);
    }

    private static Ipv6Address Raw(string address) => HostNetwork.Raw(System.Net.IPAddress.Parse(address));
}
