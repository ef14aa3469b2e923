using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class LinkAdapterTests : CaptureFileTests
{
    private const string Ipv4 = "450000140000000040110000c0000201c0000202";
    private const string Ipv6 = "6000000000003b40";

    [Theory]
    [InlineData(113, "0000" + "0001" + "0006" + "0a0b0c0d0e0f0000" + "0800" + Ipv4, "000000000000" + "0a0b0c0d0e0f" + "0800" + Ipv4)]
    [InlineData(113, "0001" + "0001" + "0006" + "0a0b0c0d0e0f0000" + "86dd" + Ipv6, "ffffffffffff" + "0a0b0c0d0e0f" + "86dd" + Ipv6)]
    [InlineData(113, "0004" + "0304" + "0000" + "0000000000000000" + "0004" + "4242030102", "000000000000" + "000000000000" + "0005" + "4242030102")]
    [InlineData(276, "0800" + "0000" + "00000003" + "0001" + "01" + "06" + "0a0b0c0d0e0f0000" + Ipv4, "ffffffffffff" + "0a0b0c0d0e0f" + "0800" + Ipv4)]
    [InlineData(101, Ipv4, "000000000000" + "000000000000" + "0800" + Ipv4)]
    [InlineData(101, Ipv6, "000000000000" + "000000000000" + "86dd" + Ipv6)]
    [InlineData(12, Ipv6, "000000000000" + "000000000000" + "86dd" + Ipv6)]
    [InlineData(228, Ipv4, "000000000000" + "000000000000" + "0800" + Ipv4)]
    [InlineData(229, Ipv6, "000000000000" + "000000000000" + "86dd" + Ipv6)]
    [InlineData(0, "02000000" + Ipv4, "000000000000" + "000000000000" + "0800" + Ipv4)]
    [InlineData(108, "0000001e" + Ipv6, "000000000000" + "000000000000" + "86dd" + Ipv6)]
    [InlineData(113, "00000001", "")]
    public void Other_link_headers_become_ethernet(uint linkType, string captured, string expected)
    {
        byte[] frame = Convert.FromHexString(captured);
        using CaptureReader reader = Open(new CaptureBuilder(false).PcapHeader(linkType: linkType).PcapRecord(1, 0, frame).PcapRecord(2, 0, frame).ToArray());
        var frames = Frames(reader);
        Assert.Equal(2, frames.Count);
        Assert.All(frames, f => Assert.Equal(expected, f.Hex));
    }

    [Fact]
    public void Original_length_counts_the_new_header()
    {
        using CaptureReader reader = Open(new CaptureBuilder(false).PcapHeader(linkType: 101).PcapRecord(1, 0, Convert.FromHexString(Ipv4), 1000).ToArray());
        Assert.Equal(1014, Assert.Single(Frames(reader)).OriginalBytes);
    }
}
