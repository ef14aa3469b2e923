using System.Buffers.Binary;
using System.IO.Compression;
using Mergeflow.Cli;
using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Captures as people have them: two sides in one file or in two, interfaces, a snap length, gzip, pipes; and what left as captures again.</summary>
public sealed class CaptureInputTests
{
    private const uint Client = 0x0a00_0001;
    private const uint Server = 0x0a00_0002;
    private const string Flows = "in_port=1 actions=output:2\nin_port=2 actions=output:1\n";
    private static readonly byte[] s_ask = FrameBuilder.Build(Client, Server, 1000, 53);
    private static readonly byte[] s_answer = FrameBuilder.Build(Server, Client, 53, 1000);

    [Theory]
    [InlineData("--in both.pcap", 2, 1)]
    [InlineData("--in both.pcap --port auto", 2, 1)]
    [InlineData("--in both.pcap --port 1", 3, 0)]
    [InlineData("--in both.pcap --port 2", 0, 3)]
    [InlineData("--in both.pcap.gz", 2, 1)]
    [InlineData("--in misnamed", 2, 1)]
    [InlineData("--in ask.pcap --in answer.pcap", 2, 1)]
    [InlineData("--in ask.pcap --port 2 --in answer.pcap --port 1", 1, 2)]
    [InlineData("--in ask.pcap --in answer.pcap --port 2", 0, 3)]
    [InlineData("--in interfaces.pcapng", 1, 2)]
    [InlineData("--in interfaces.pcapng --port 1", 3, 0)]
    public void Frames_arrive_where_they_should(string input, int onFirst, int onSecond)
    {
        using TemporaryFolder folder = Files();
        CliRun run = Run(folder, $"dump-flows --flows flows.txt --ports p1=1,p2=2 {input}");
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Contains($"n_packets={onFirst}, n_bytes={onFirst * 60}, idle_age=0, in_port=1", run.Output, StringComparison.Ordinal);
        Assert.Contains($"n_packets={onSecond}, n_bytes={onSecond * 60}, idle_age=0, in_port=2", run.Output, StringComparison.Ordinal);

        // What was decided without being asked is said.
        if (!input.Contains("--port", StringComparison.Ordinal)) Assert.StartsWith("mergeflow: note: ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--in both.pcap --port 3", ExitCode.Usage, "port 3 does not exist")]
    [InlineData("--in both.pcap --port both", ExitCode.Usage, "--port: 'both' is neither a port number nor auto")]
    [InlineData("--in both.pcap --port 1 --port 2", ExitCode.Usage, "--port: 2 ports for 1 inputs")]
    [InlineData("--in ask.pcap --in events.jsonl", ExitCode.Usage, "events.jsonl is no capture")]
    [InlineData("--in events.jsonl --in ask.pcap", ExitCode.Usage, "several inputs have to be captures")]
    [InlineData("--in events.jsonl --port 1", ExitCode.Usage, "--port: the events name their ports")]
    [InlineData("--in ask.pcap --in answer.pcap --in both.pcap", ExitCode.Usage, "3 captures and 2 ports")]
    [InlineData("--in many.pcapng", ExitCode.BadInput, "frames of 3 interfaces, and there are 2 ports")]
    [InlineData("--in cut-in-headers.pcap", ExitCode.BadInput, "frame 1 was cut at 40 bytes when it was captured, inside its headers")]
    [InlineData("--in cut.pcap.gz", ExitCode.BadInput, "damaged gzip data: it ends too early")]
    public void What_cannot_be_is_one_line(string input, int expectedCode, string expected)
    {
        using TemporaryFolder folder = Files();
        string before = folder.Content();
        CliRun run = Run(folder, $"replay --flows flows.txt --ports p1=1,p2=2 {input} --out out.jsonl --pcap-out ports");
        Assert.Equal(expectedCode, run.ExitCode);
        Assert.Contains(expected, run.ErrorLine, StringComparison.Ordinal);
        Assert.Equal(before, folder.Content());
    }

    /// <summary>A cut frame counts with its length on the wire, and its flow is tracked and offloaded as the whole one's is.</summary>
    [Theory]
    [InlineData("soft")]
    [InlineData("nic")]
    public void A_snap_length_changes_nothing_but_the_payload(string offload)
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("fw.txt", DefaultFlows.Text);
        using (PcapWriter whole = new(folder["whole.pcap"]), cut = new(folder["snapped.pcap"]))
        {
            for (int i = 0; i < 400; i++)
            {
                byte[] frame = i % 2 == 0 ? FrameBuilder.Build(Client + (uint)(i % 8), Server, 1000, 53, frameBytes: 600) : FrameBuilder.Build(Server, Client + (uint)((i - 1) % 8), 53, 1000, frameBytes: 600);
                whole.Write(frame, i * 1_000_000L);
                cut.Write(frame.AsSpan(0, 96), i * 1_000_000L, frame.Length);
            }
        }

        string[] Stats(string name) => ["offload", "stats", "--flows", flows, "--ports", "p1=1,p2=2", "--in", folder[name], "--offload", offload];
        CliRun expected = CliRun.Of(Stats("whole.pcap")), actual = CliRun.Of(Stats("snapped.pcap"));
        Assert.Equal(expected.Output, actual.Output);
        Assert.DoesNotContain("\n0.0 % of bytes", expected.Output, StringComparison.Ordinal);
        Assert.Contains("400 of 400 frames were cut short when they were captured (snap length)", actual.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("cut short", expected.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_frame_that_is_cut_inside_its_headers_is_left_out_and_said()
    {
        using TemporaryFolder folder = Files();
        CliRun run = Run(folder, "dump-flows --flows flows.txt --ports p1=1,p2=2 --in headless.pcap");
        Assert.Equal(ExitCode.Ok, run.ExitCode);

        // Its addresses are whole: the server has spoken first.
        Assert.Contains("n_packets=0, n_bytes=0, idle_age=0, in_port=1", run.Output, StringComparison.Ordinal);
        Assert.Contains("n_packets=1, n_bytes=60, idle_age=0, in_port=2", run.Output, StringComparison.Ordinal);
        Assert.Contains("1 of 2 frames were cut inside their headers and are left out (frame 1 was cut at 40 bytes", run.Error, StringComparison.Ordinal);
        Assert.Contains("headless.pcap: 1 frames on port 2\n", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_left_each_port_is_a_capture_with_the_time_stamps_of_what_came_in()
    {
        using TemporaryFolder folder = Files();
        CliRun run = Run(folder, "replay --flows flows.txt --ports p1=1,p2=2,idle=3 --in both.pcap --out out.jsonl --pcap-out ports");
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Equal(["ports/idle.pcap", "ports/p1.pcap", "ports/p2.pcap"], Directory.GetFiles(folder["ports"]).Select(f => $"ports/{Path.GetFileName(f)}").Order());
        Assert.Equal([(Ns(0), Convert.ToHexString(s_ask)), (Ns(2), Convert.ToHexString(s_ask))], FramesOf(folder["ports/p2.pcap"]));
        Assert.Equal([(Ns(1), Convert.ToHexString(s_answer))], FramesOf(folder["ports/p1.pcap"]));
        Assert.Empty(FramesOf(folder["ports/idle.pcap"]));
        CliRun over = Run(folder, "replay --flows flows.txt --ports p1=1,p2=2 --in ports/p1.pcap --out out.jsonl --pcap-out ports");
        Assert.Equal(ExitCode.Usage, over.ExitCode);
        Assert.Contains("--pcap-out and --in are the same file", over.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Checksums_are_corrected_on_demand_those_of_ICMP_too()
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "table=0,ip actions=ct(table=1)\ntable=1,ct_state=+inv,ip actions=drop\ntable=1,actions=output:2\n");
        byte[] udp = FrameBuilder.Build(Client, Server, 1000, 53), icmp = FrameBuilder.Build(Client, Server, 0, 0, proto: 1);
        icmp[34] = 8;
        udp[40] ^= 0x55;
        icmp[36] ^= 0x55;
        using (PcapWriter writer = new(folder["x.pcap"]))
        {
            writer.Write(udp, 0);
            writer.Write(icmp, 1);
        }

        string[] show = ["dump-flows", "--flows", flows, "--ports", "p1=1,p2=2", "--in", folder["x.pcap"]];
        Assert.Contains("n_packets=2, n_bytes=120, idle_age=0, ct_state=+inv", CliRun.Of(show).Output, StringComparison.Ordinal);
        CliRun mended = CliRun.Of([.. show, "--fix-checksums"]);
        Assert.Contains("n_packets=0, n_bytes=0, idle_age=0, ct_state=+inv", mended.Output, StringComparison.Ordinal);
        Assert.Contains("2 of 2 frames had a wrong checksum, which has been corrected", mended.Error, StringComparison.Ordinal);
    }

    /// <summary>A capture from in front of a NAT holds replies to untranslated packets; behind it hosts answer what they got.</summary>
    [Theory]
    [InlineData("none", 6)]
    [InlineData("soft", 6)]
    [InlineData("nic", 17)]
    public void A_responder_answers_what_was_translated(string offload, byte protocol)
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write(
            "nat.txt",
            "in_port=1,ip,actions=ct(commit,zone=1,nat(src=192.0.2.1:5000-5100)),output:2\nin_port=2,ip,ct_state=-trk,actions=ct(zone=1,nat,table=1)\ntable=1,ct_state=+est,ip,actions=output:1\ntable=1,actions=drop\n");
        using (PcapWriter writer = new(folder["x.pcap"]))
        {
            for (int i = 0; i < 20; i++)
            {
                byte[] frame = i % 2 == 0
                    ? FrameBuilder.Build(Client, Server, 1000, 53, proto: protocol, flags: i == 0 ? (byte)2 : (byte)0x10, seq: i == 0 ? 999u : 1000, ack: i == 0 ? 0u : 2000)
                    : FrameBuilder.Build(Server, Client, 53, 1000, proto: protocol, flags: i == 1 ? (byte)0x12 : (byte)0x10, seq: i == 1 ? 1999u : 2000, ack: 1000);
                writer.Write(frame, Ns(i));
            }
        }

        string[] Replay(string to) => ["replay", "--flows", flows, "--ports", "p1=1,p2=2", "--in", folder["x.pcap"], "--offload", offload, "--out", folder["o.jsonl"], "--pcap-out", folder[to]];
        Assert.Equal(ExitCode.Ok, CliRun.Of(Replay("alone")).ExitCode);
        Assert.Empty(FramesOf(folder["alone/p1.pcap"]));
        Assert.Equal(ExitCode.Ok, CliRun.Of([.. Replay("answered"), "--respond"]).ExitCode);
        Assert.Equal(10, FramesOf(folder["answered/p2.pcap"]).Count);

        // What comes back to the client is what the capture says that it got.
        List<(long, string)> back = FramesOf(folder["answered/p1.pcap"]);
        List<(long, string)> recorded = [.. FramesOf(folder["x.pcap"]).Where((_, i) => i % 2 == 1)];
        Assert.Equal(recorded, back);
    }

    private static CliRun Run(TemporaryFolder folder, string command)
        => CliRun.Of([.. command.Split(' ').Select(w => w is "out.jsonl" or "ports" || w.StartsWith("ports/", StringComparison.Ordinal) || File.Exists(folder[w]) ? folder[w] : w)]);

    private static long Ns(int i) => 1_700_000_000_000_000_000 + (i * 1_500_000L);

    private static List<(long Ns, string Frame)> FramesOf(string path)
    {
        using CaptureReader reader = CaptureFile.Open(path);
        List<(long, string)> frames = [];
        while (reader.TryRead(out CaptureFrame frame)) frames.Add((frame.TimestampNs, Convert.ToHexString(frame.Bytes)));
        return frames;
    }

    private static TemporaryFolder Files()
    {
        TemporaryFolder folder = new();
        folder.Write("flows.txt", Flows);
        folder.Write("events.jsonl", """{"i":0,"t":5,"op":"tick"}""" + "\n");
        using (PcapWriter both = new(folder["both.pcap"]), ask = new(folder["ask.pcap"]), answer = new(folder["answer.pcap"]), cut = new(folder["cut-in-headers.pcap"]), headless = new(folder["headless.pcap"]))
        {
            headless.Write(s_answer.AsSpan(0, 40), Ns(0), 60);
            headless.Write(s_ask, Ns(1));
            both.Write(s_ask, Ns(0));
            both.Write(s_answer, Ns(1));
            both.Write(s_ask, Ns(2));
            ask.Write(s_ask, Ns(0));
            ask.Write(s_ask, Ns(2));
            answer.Write(s_answer, Ns(1));
            cut.Write(s_ask.AsSpan(0, 40), Ns(0), 60);
        }

        byte[] bytes = File.ReadAllBytes(folder["both.pcap"]);
        File.WriteAllBytes(folder["misnamed"], bytes);
        using (GZipStream gzip = new(File.Create(folder["both.pcap.gz"]), CompressionLevel.Optimal)) gzip.Write(bytes);
        File.WriteAllBytes(folder["cut.pcap.gz"], File.ReadAllBytes(folder["both.pcap.gz"])[..^20]);
        File.WriteAllBytes(folder["interfaces.pcapng"], Pcapng([(1, s_ask), (0, s_answer), (1, s_ask)]));
        File.WriteAllBytes(folder["many.pcapng"], Pcapng([(0, s_ask), (1, s_answer), (2, s_ask)]));
        return folder;
    }

    /// <summary>A section of three interfaces and enhanced packet blocks, in microseconds.</summary>
    private static byte[] Pcapng((int Interface, byte[] Frame)[] frames)
    {
        using MemoryStream file = new();
        void Block(uint type, params byte[] body)
        {
            int length = 12 + ((body.Length + 3) & ~3);
            Span<byte> block = new byte[length];
            BinaryPrimitives.WriteUInt32LittleEndian(block, type);
            BinaryPrimitives.WriteInt32LittleEndian(block[4..], length);
            body.CopyTo(block[8..]);
            BinaryPrimitives.WriteInt32LittleEndian(block[^4..], length);
            file.Write(block);
        }

        Block(0x0a0d0d0a, [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, .. Enumerable.Repeat((byte)0xff, 8)]);
        for (int i = 0; i < 3; i++) Block(1, 1, 0, 0, 0, 0, 0, 0, 0);
        for (int i = 0; i < frames.Length; i++)
        {
            (int id, byte[] frame) = frames[i];
            byte[] head = new byte[20];
            head[0] = (byte)id;
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(8), i * 1500);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(12), frame.Length);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(16), frame.Length);
            Block(6, [.. head, .. frame]);
        }

        return file.ToArray();
    }
}
