using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class PcapngReaderTests : CaptureFileTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void All_packet_blocks_several_interfaces_and_sections(bool bigEndian)
    {
        byte[] first = new CaptureBuilder(bigEndian).Section().Interface().Interface(resolution: 9)
            .Packet(0, 1_000_001, FrameA)
            .Block(4, b => b.U16(0).U16(0)).Block(0x4000_0bad, b => b.U32(1).Raw(FrameB))
            .Packet(1, 5_000_000_003, FrameB, 1500)
            .SimplePacket(FrameA)
            .ObsoletePacket(1, 6_000_000_000, FrameB).ToArray();
        byte[] second = new CaptureBuilder(!bigEndian).Section().Interface(snap: 40).Packet(0, 2_000_000, FrameA).SimplePacket(FrameA.AsSpan(0, 40), 60).ToArray();
        using CaptureReader reader = Open([.. first, .. second]);
        Assert.Equal(CaptureFormat.Pcapng, reader.Format);
        for (int pass = 0; pass < 2; pass++)
        {
            Assert.Equal(
                [
                    (Hex(FrameA), 1_000_001_000L, 60, 0),
                    (Hex(FrameB), 5_000_000_003L, 1500, 1),
                    (Hex(FrameA), 5_000_000_003L, 60, 0),
                    (Hex(FrameB), 6_000_000_000L, 61, 1),
                    (Hex(FrameA), 2_000_000_000L, 60, 2),
                    (Hex(FrameA.AsSpan(0, 40)), 2_000_000_000L, 60, 2),
                ],
                Frames(reader));
            reader.Rewind();
        }

        Assert.Equal(2, reader.CutFrameCount);
    }

    [Theory]
    [InlineData(0, 7, null, 7_000_000_000)]
    [InlineData(3, 7, null, 7_000_000)]
    [InlineData(9, 7, 2L, 2_000_000_007)]
    [InlineData(6, 7, -1L, -999_993_000)]
    [InlineData(12, 7_999, null, 7)]
    [InlineData(100, 7, null, 0)]
    [InlineData(0x80 + 1, 3, null, 1_500_000_000)]
    [InlineData(0x80 + 30, 1 << 29, null, 500_000_000)]
    [InlineData(0x80 + 127, 5, null, 0)]
    public void Timestamp_resolution_and_offset(byte resolution, ulong time, long? offsetSeconds, long expectedNs)
    {
        using CaptureReader reader = Open(new CaptureBuilder(false).Section().Interface(resolution: resolution, offsetSeconds: offsetSeconds).Packet(0, time, FrameA).ToArray());
        Assert.Equal(expectedNs, Assert.Single(Frames(reader)).TimestampNs);
    }

    [Fact]
    public void Timestamp_beyond_64_bits_saturates()
    {
        using CaptureReader reader = Open(new CaptureBuilder(false).Section().Interface().Packet(0, ulong.MaxValue, FrameA).ToArray());
        Assert.Equal(long.MaxValue, Assert.Single(Frames(reader)).TimestampNs);
    }

    [Fact]
    public void Many_interfaces()
    {
        var builder = new CaptureBuilder(false).Section();
        for (int i = 0; i < 20; i++) builder.Interface();
        using CaptureReader reader = Open(builder.Packet(19, 1, FrameA).ToArray());
        Assert.Equal(19, Assert.Single(Frames(reader)).InterfaceIndex);
    }

    [Fact]
    public void Cut_at_every_byte_keeps_the_whole_frames_and_says_where()
    {
        var builder = new CaptureBuilder(true).Section().Interface();
        int first = builder.Length;
        int second = builder.Packet(0, 1, FrameA).Length;
        byte[] file = builder.Packet(0, 2, FrameB).ToArray();
        for (int length = first; length < file.Length; length++)
        {
            using CaptureReader reader = Open(file[..length]);
            bool atBoundary = length == first || length == second;
            Assert.Equal(length < second ? 0 : 1, Frames(reader).Count);
            Assert.Equal(!atBoundary, reader.Truncated);
            Assert.Equal(atBoundary ? -1 : length < second ? first : second, reader.TruncatedAtOffsetBytes);
        }

        for (int length = 1; length < 28; length++) Assert.Equal(0, Refused(file[..length]).OffsetBytes);
    }

    [Fact]
    public void Damage_is_refused_with_its_offset()
    {
        CaptureBuilder Start() => new CaptureBuilder(false).Section().Interface();
        int at = Start().Length;
        Assert.Equal(at, Refused(Start().U32(6).U32(8).U32(8).ToArray()).OffsetBytes);
        Assert.Equal(at, Refused(Start().U32(6).U32(33).Raw(FrameA).ToArray()).OffsetBytes);
        Assert.Equal(at, Refused(Start().U32(6).U32(0xffff_fff0).Raw(FrameA).ToArray()).OffsetBytes);
        Assert.Equal(at, Refused(Start().U32(9).U32(16).U32(0).U32(20).ToArray()).OffsetBytes);
        Assert.Equal(at, Refused(Start().Block(6, b => b.U32(0)).ToArray()).OffsetBytes);
        Assert.Equal(at, Refused(Start().Block(6, b => b.U32(0).U32(0).U32(0).U32(61).U32(61).Raw(FrameA)).ToArray()).OffsetBytes);
        Assert.Equal(at, Refused(Start().Block(3, b => b.U32(61).Raw(FrameA)).ToArray()).OffsetBytes);
        Assert.Contains("interface 1", Refused(Start().Packet(1, 0, FrameA).ToArray()).Message, StringComparison.Ordinal);
        Assert.Contains("interface 0", Refused(new CaptureBuilder(false).Section().SimplePacket(FrameA).ToArray()).Message, StringComparison.Ordinal);
        Assert.Contains("option 9", Refused(new CaptureBuilder(false).Section().Block(1, b => b.U16(1).U16(0).U32(0).U16(9).U16(500)).ToArray()).Message, StringComparison.Ordinal);
        Assert.Equal(0, Refused(new CaptureBuilder(false).U32(0x0a0d0d0a).U32(28).U32(0x11111111).Raw(FrameA).ToArray()).OffsetBytes);
        Assert.Equal(0, Refused(new CaptureBuilder(false).Block(0x0a0d0d0a, b => b.U32(0x1a2b3c4d).U16(2).U16(0).U32(0).U32(0)).ToArray()).OffsetBytes);
    }

    [Fact]
    public void Foreign_link_type_matters_only_if_it_has_packets()
    {
        CaptureBuilder Start() => new CaptureBuilder(false).Section().Interface(linkType: 127).Interface();
        using (CaptureReader reader = Open(Start().Packet(1, 0, FrameA).ToArray())) Assert.Single(Frames(reader));
        CaptureFormatException refusal = Refused(Start().Packet(0, 0, FrameA).ToArray());
        Assert.Equal(28, refusal.OffsetBytes);
        Assert.Contains("link type 127", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Any damage: either a refusal or a reading, never a fault or an endless loop.</summary>
    [Fact]
    public void Random_damage_never_crashes()
    {
        byte[] ng = new CaptureBuilder(false).Section().Interface(resolution: 9, offsetSeconds: 1).Packet(0, 1, FrameA).SimplePacket(FrameB).ObsoletePacket(0, 3, FrameA).ToArray();
        byte[] classic = new CaptureBuilder(true).PcapHeader(linkType: 113).PcapRecord(1, 2, FrameA).PcapRecord(3, 4, FrameB).ToArray();
        var random = new Random(6);
        int read = 0, refused = 0;
        for (int round = 0; round < 3000; round++)
        {
            byte[] file = (byte[])((round & 1) == 0 ? ng : classic).Clone();
            for (int n = random.Next(1, 4); n > 0; n--) file[random.Next(4, file.Length)] = (byte)(random.Next(3) == 0 ? 0xff : random.Next(256));
            try
            {
                using CaptureReader reader = Open(file[..random.Next(4, file.Length + 1)]);
                Frames(reader);
                read++;
            }
            catch (CaptureFormatException)
            {
                refused++;
            }
        }

        Assert.InRange(read, 300, 2700);
        Assert.Equal(3000, read + refused);
    }
}
