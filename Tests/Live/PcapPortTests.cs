using System.Diagnostics;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Files and fifos as ports.</summary>
public sealed class PcapPortTests
{
    private const int Frames = 5000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_file_has_goes_through_the_switch_into_another(bool isFifo)
    {
        using TemporaryFolder folder = new();
        string source = folder["in.pcap"], target = folder["out.pcap"];
        byte[][] frames = [.. Enumerable.Range(0, Frames).Select(static i => Frame(i))];
        if (isFifo && Process.Start("mkfifo", source) is { } made) made.WaitForExit();
        if (!isFifo) WriteAll(source, frames);
        using (LiveSwitch s = new("in_port=1 actions=output:2"))
        {
            PcapPort port = new(1, "in", source, null, 1);
            s.Ports.Add(new PcapPort(2, "out", null, target, 1), LiveSwitch.Now);
            s.Ports.Add(port, LiveSwitch.Now);
            if (isFifo) WriteAll(source, frames);
            LiveLab.WaitFor(() => s[2].TxPackets == Frames, "all frames");
            Assert.Equal((0ul, 0ul), (s[1].RxDropped, s[2].TxDropped));
            if (!isFifo) LiveLab.WaitFor(() => port.IsRead, "the end of the file");
            Assert.Null(port.Failure);
            s.Stop();
        }

        using CaptureReader reader = CaptureFile.Open(target);
        int n = 0;
        for (; reader.TryRead(out CaptureFrame frame); n++) Assert.Equal(Convert.ToHexString(frames[n]), Convert.ToHexString(frame.Bytes));
        Assert.Equal(Frames, n);
    }

    [Theory]
    [InlineData("this is no capture, and never was one, whatever it is called", "no pcap")]
    [InlineData("", null)]
    public void What_is_no_capture_is_said_once_and_nothing_comes_in(string content, string? expected)
    {
        using TemporaryFolder folder = new();
        string source = folder.Write("in.pcap", content);
        using LiveSwitch s = new();
        PcapPort port = new(1, "in", source, null, 1);
        s.Ports.Add(port, LiveSwitch.Now);
        LiveLab.WaitFor(() => port.IsRead || port.Failure is not null, "the end");
        Assert.Equal(expected is null ? null : $"{source}: {expected}", port.Failure);
        Assert.Equal(0ul, s[1].RxPackets);
        s.Stop();
    }

    /// <summary>What a host leaves to its device is done before a file has it.</summary>
    [Fact]
    public void Super_frames_and_unfinished_checksums_are_frames_in_a_file()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.85.0.1/24"]), b = lab.AddHost("b", ["10.85.0.2/24"]);
        using TemporaryFolder folder = new();
        string target = folder["out.pcap"];
        using (LiveSwitch s = new LiveSwitch("in_port=1 actions=output:2,output:3\nin_port=2 actions=output:1").With(a, b))
        {
            s.Ports.Add(new PcapPort(3, "out", null, target, 1), LiveSwitch.Now);
            LiveStream.Send(lab, "a", "b", "10.85.0.2", megabytes: 1);
            Assert.True(s[1].RxSuperFrames > 0 && s[3].TxCut > 0);
            s.Stop();
        }

        using CaptureReader reader = CaptureFile.Open(target);
        using PacketPool pool = new(1, 2048);
        int tcp = 0;
        while (reader.TryRead(out CaptureFrame frame))
        {
            PacketRef packet = pool.RentRef(frame.Bytes, 1);
            packet.VerifyChecksums();
            if (packet.Key.NwProto == IpProto.Tcp)
            {
                tcp++;
                Assert.True(frame.Bytes.Length <= 1514);
                Assert.Equal(PacketFlags.IpCsumGood | PacketFlags.L4CsumGood, packet.Flags & (PacketFlags.IpCsumGood | PacketFlags.L4CsumGood));
            }

            pool.Return(packet);
        }

        Assert.True(tcp > 700);
    }

    private static byte[] Frame(int index)
    {
        byte[] frame = new byte[60 + (index % 1400)];
        frame[5] = 2;
        frame[11] = 1;
        (frame[12], frame[13]) = (0x90, 0);
        BitConverter.TryWriteBytes(frame.AsSpan(14), index);
        return frame;
    }

    private static void WriteAll(string path, byte[][] frames)
    {
        using PcapWriter writer = new(new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite));
        foreach (byte[] frame in frames) writer.Write(frame, 0);
    }
}
