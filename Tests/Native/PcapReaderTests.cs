using System.IO.Pipes;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class PcapReaderTests : CaptureFileTests
{
    [Theory]
    [InlineData(false, 0xa1b2c3d4, 5_000_007_000)]
    [InlineData(true, 0xa1b2c3d4, 5_000_007_000)]
    [InlineData(false, 0xa1b23c4d, 5_000_000_007)]
    [InlineData(true, 0xa1b23c4d, 5_000_000_007)]
    public void Both_resolutions_in_both_byte_orders(bool bigEndian, uint magic, long timestampNs)
    {
        byte[] file = new CaptureBuilder(bigEndian).PcapHeader(magic).PcapRecord(5, 7, FrameA).PcapRecord(uint.MaxValue, 0, FrameB, 1500).ToArray();
        using CaptureReader reader = Open(file);
        Assert.Equal(CaptureFormat.Pcap, reader.Format);
        for (int pass = 0; pass < 2; pass++)
        {
            var frames = Frames(reader);
            Assert.Equal((Hex(FrameA), timestampNs, 60, 0), frames[0]);
            Assert.Equal((Hex(FrameB), uint.MaxValue * 1_000_000_000L, 1500, 0), frames[1]);
            reader.Rewind();
        }

        Assert.Equal((2L, 1L, 121L, false, -1L), (reader.FrameCount, reader.CutFrameCount, reader.CapturedBytes, reader.Truncated, reader.TruncatedAtOffsetBytes));
    }

    [Fact]
    public void Cut_at_every_byte_keeps_the_whole_frames_and_says_where()
    {
        byte[] file = new CaptureBuilder(false).PcapHeader().PcapRecord(1, 0, FrameA).PcapRecord(2, 0, FrameB).ToArray();
        int second = 24 + 16 + 60;
        for (int length = 24; length < file.Length; length++)
        {
            using CaptureReader reader = Open(file[..length]);
            bool atBoundary = length == 24 || length == second;
            Assert.Equal(length < second ? 0 : 1, Frames(reader).Count);
            Assert.Equal(!atBoundary, reader.Truncated);
            Assert.Equal(atBoundary ? -1 : length < second ? 24 : second, reader.TruncatedAtOffsetBytes);
            Assert.Equal(atBoundary, reader.TruncationNote == null);
        }

        for (int length = 0; length < 24; length++) Assert.Equal(0, Refused(file[..length]).OffsetBytes);
    }

    [Fact]
    public void Damage_is_refused_with_its_offset()
    {
        Assert.Contains("empty", Refused([]).Message, StringComparison.Ordinal);
        Assert.Contains("0x", Refused("#!/bin/sh is no capture file"u8.ToArray()).Message, StringComparison.Ordinal);
        Assert.Equal(4, Refused(new CaptureBuilder(true).PcapHeader(major: 3).ToArray()).OffsetBytes);
        byte[] absurd = new CaptureBuilder(false).PcapHeader().PcapRecord(1, 0, FrameA).U32(0).U32(0).U32(0xffff_fff0).U32(60).Raw(FrameA).ToArray();
        CaptureFormatException refusal = Refused(absurd);
        Assert.Equal(100, refusal.OffsetBytes);
        Assert.Contains("4294967280", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(24, Refused(new CaptureBuilder(false).PcapHeader().PcapRecord(1, 0, FrameA, 0x8000_0000).ToArray()).OffsetBytes);
    }

    [Fact]
    public void Link_type_that_is_not_ethernet_is_refused_by_number()
    {
        CaptureFormatException refusal = Refused(new CaptureBuilder(false).PcapHeader(linkType: 127).ToArray());
        Assert.Equal(20, refusal.OffsetBytes);
        Assert.Contains("link type 127", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Frame_check_sequence_bits_are_no_part_of_the_link_type()
    {
        using CaptureReader reader = Open(new CaptureBuilder(false).PcapHeader(linkType: 0x2400_0001).PcapRecord(1, 0, FrameA).ToArray());
        Assert.Single(Frames(reader));
    }

    [Fact]
    public void Missing_file_and_directory_are_io_errors()
    {
        Assert.Throws<FileNotFoundException>(() => CaptureFile.Open("/nonexistent.pcap"));
        Assert.Throws<UnauthorizedAccessException>(() => CaptureFile.Open("/tmp"));
    }

    [Fact]
    public void Pipe_is_read_in()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a pipe gets its path from /proc");
        byte[] frame = new byte[1400];
        var builder = new CaptureBuilder(false).PcapHeader();
        for (uint i = 0; i < 2000; i++) builder.PcapRecord(i, 0, frame);
        byte[] file = builder.ToArray();
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var writer = new Thread(() =>
        {
            pipe.Write(file);
            pipe.Dispose();
        });
        string path = $"/proc/self/fd/{pipe.GetClientHandleAsString()}";
        writer.Start();
        using CaptureReader reader = CaptureFile.Open(path);
        writer.Join();
        Assert.Equal(file.Length, reader.FileBytes);
        Assert.Equal(2000, Frames(reader).Count);
    }

    [Fact]
    public void Disposed_reader_reads_nothing()
    {
        CaptureReader reader = Open(new CaptureBuilder(false).PcapHeader().PcapRecord(1, 0, FrameA).ToArray());
        reader.Dispose();
        reader.Dispose();
        Assert.Throws<ObjectDisposedException>(() => reader.TryRead(out _));
    }

    [Fact]
    public void Reading_allocates_nothing()
    {
        var builder = new CaptureBuilder(false).PcapHeader();
        for (uint i = 0; i < 1000; i++) builder.PcapRecord(i, 0, FrameA);
        using CaptureReader reader = Open(builder.ToArray());
        Sum(reader);
        reader.Rewind();
        long before = GC.GetAllocatedBytesForCurrentThread();
        long sum = Sum(reader);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(60_000, sum);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Writer_and_reader_agree(bool nanoseconds)
    {
        string path = Save([]);
        using (var writer = new PcapWriter(path, nanoseconds))
        {
            writer.Write(FrameA, 1_234_567_891, 0);
            writer.Write(FrameB, 2_000_000_000, 9000);
            writer.Write([], 0);
            Assert.Throws<ArgumentOutOfRangeException>(() => writer.Write(FrameA, -1));
            Assert.Throws<ArgumentOutOfRangeException>(() => writer.Write(FrameA, 1L << 62));
            Assert.Throws<ArgumentOutOfRangeException>(() => writer.Write(new byte[CaptureFile.MaxFrameBytes + 1], 1));
            Assert.Equal(3, writer.FrameCount);
        }

        using CaptureReader reader = CaptureFile.Open(path);
        var frames = Frames(reader);
        Assert.Equal((Hex(FrameA), nanoseconds ? 1_234_567_891 : 1_234_567_000, 60, 0), frames[0]);
        Assert.Equal((Hex(FrameB), 2_000_000_000, 9000, 0), frames[1]);
        Assert.Empty(frames[2].Hex);
    }

    private static long Sum(CaptureReader reader)
    {
        long sum = 0;
        while (reader.TryRead(out CaptureFrame frame)) sum += frame.CapturedBytes;
        return sum;
    }
}
