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

    /// <summary>Errors about translated packets are related to their connections only if they quote what was sent; who asked gets the error that the capture holds.</summary>
    [Theory]
    [InlineData("none", 17, 28, false)]
    [InlineData("soft", 17, 28, false)]
    [InlineData("none", 17, 46, false)]
    [InlineData("none", 6, 28, false)]
    [InlineData("none", 6, 40, false)]
    [InlineData("none", 17, 28, true)]
    [InlineData("none", 6, 40, true)]
    public void A_responder_translates_what_ICMP_errors_quote(string offload, byte protocol, int quotedBytes, bool fromServer)
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write(
            "nat.txt",
            $"in_port=1,ip,actions=ct(commit,zone=1,nat({(fromServer ? "dst=192.0.2.9:8053" : "src=192.0.2.1:5000-5100")})),output:2\nin_port=2,ip,ct_state=-trk,actions=ct(zone=1,nat,table=1)\ntable=1,ct_state=+rel,icmp,actions=output:1\ntable=1,actions=drop\n");
        byte[] asked = FrameBuilder.Build(Client, Server, 1000, 53, proto: protocol, flags: 2, ack: 0), error = IcmpError(fromServer ? Server : 0x0a00_00fe, Client, asked.AsSpan(14, quotedBytes));
        using (PcapWriter writer = new(folder["x.pcap"]))
        {
            writer.Write(asked, Ns(0));
            writer.Write(error, Ns(1));
        }

        string[] Replay(string to) => ["replay", "--flows", flows, "--ports", "p1=1,p2=2", "--in", folder["x.pcap"], "--offload", offload, "--out", folder["o.jsonl"], "--pcap-out", folder[to]];
        Assert.Equal(ExitCode.Ok, CliRun.Of(Replay("alone")).ExitCode);
        Assert.Empty(FramesOf(folder["alone/p1.pcap"]));
        Assert.Equal(ExitCode.Ok, CliRun.Of([.. Replay("answered"), "--respond"]).ExitCode);
        Assert.Equal([(Ns(1), Convert.ToHexString(error))], FramesOf(folder["answered/p1.pcap"]));
    }

    /// <summary>The same with IPv6, whose checksum of ICMP covers the addresses in front of it.</summary>
    [Fact]
    public void A_responder_translates_what_ICMPv6_errors_quote()
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write(
            "nat.txt",
            "in_port=1,ipv6,actions=ct(commit,zone=1,nat(src=2001:db8::1)),output:2\nin_port=2,ipv6,ct_state=-trk,actions=ct(zone=1,nat,table=1)\ntable=1,ct_state=+rel,icmp6,actions=output:1\ntable=1,actions=drop\n");
        UInt128 client = UInt128.Parse("fd000000000000000000000000000001", System.Globalization.NumberStyles.HexNumber), server = client + 1, router = client + 0xff;
        byte[] asked = Ipv6(client, server, 17, [0x03, 0xe8, 0, 53, 0, 20, 0, 0, .. Enumerable.Repeat((byte)7, 12)], 6);
        byte[] error = Ipv6(router, client, 58, [1, 4, 0, 0, 0, 0, 0, 0, .. asked.AsSpan(14)], 2);
        using (PcapWriter writer = new(folder["x.pcap"]))
        {
            writer.Write(asked, Ns(0));
            writer.Write(error, Ns(1));
        }

        CliRun run = CliRun.Of("replay", "--flows", flows, "--ports", "p1=1,p2=2", "--in", folder["x.pcap"], "--out", folder["o.jsonl"], "--pcap-out", folder["answered"], "--respond");
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Equal([(Ns(1), Convert.ToHexString(error))], FramesOf(folder["answered/p1.pcap"]));
    }

    /// <summary>Both programs use the whole frames of a capture that was cut while it was written, and say so in the same words.</summary>
    [Theory]
    [InlineData("both.pcap", 3)]
    [InlineData("interfaces.pcapng", 3)]
    public void Of_a_capture_that_is_cut_at_its_end_the_whole_frames_are_used(string name, int frames)
    {
        using TemporaryFolder folder = Files();
        File.WriteAllBytes(folder["cut"], File.ReadAllBytes(folder[name])[..^7]);
        string said = $"the file ends inside a record, {frames - 1} frames are whole and are used";
        CliRun run = Run(folder, "replay --flows flows.txt --ports p1=1,p2=2 --in cut --out out.jsonl");
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Equal(frames, File.ReadLines(folder["out.jsonl"]).Count());
        Assert.Contains($"mergeflow: warning: {folder["cut"]}: offset ", run.Error, StringComparison.Ordinal);
        Assert.Contains(said, run.Error, StringComparison.Ordinal);
        CliRun keys = Run(folder, "extract --in cut --out out.jsonl");
        Assert.Equal((ExitCode.Ok, frames - 1), (keys.ExitCode, File.ReadLines(folder["out.jsonl"]).Count()));
        Assert.Contains(said, keys.ErrorLine, StringComparison.Ordinal);
        Workload workload = new CaptureRun(folder["cut"]).Load();
        Assert.Equal(frames - 1, workload.Frames.Count);
        Assert.Contains(said, Assert.Single(workload.Notes), StringComparison.Ordinal);
        using StringWriter output = new(), error = new();
        Assert.Equal(PerfExitCode.Ok, PerfApp.Run(["hit-share", "--pcap", folder["cut"]], output, error, TestContext.Current.CancellationToken));
        Assert.Contains(said, output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_capture_without_a_whole_frame_is_refused_by_both_programs()
    {
        using TemporaryFolder folder = Files();
        File.WriteAllBytes(folder["cut"], File.ReadAllBytes(folder["both.pcap"])[..50]);
        CliRun run = Run(folder, "replay --flows flows.txt --ports p1=1,p2=2 --in cut --out out.jsonl");
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains("the file ends inside a record, 0 frames are whole", run.ErrorLine, StringComparison.Ordinal);
        using StringWriter output = new(), error = new();
        Assert.Equal(PerfExitCode.BadInput, PerfApp.Run(["--pcap", folder["cut"], "--json", folder["j"], "--html", folder["h"]], output, error, TestContext.Current.CancellationToken));
        Assert.Contains("the file ends inside a record, 0 frames are whole", error.ToString(), StringComparison.Ordinal);
        Assert.False(File.Exists(folder["j"]));
    }

    /// <summary>A pipe can be read once: a copy without a name is read again, and nothing is left of it.</summary>
    [Theory]
    [InlineData("trace --event 2 --flows flows.txt --ports p1=1,p2=2 --in PIPE", "both.pcap")]
    [InlineData("trace --event 2 --flows flows.txt --ports p1=1,p2=2 --in PIPE", "both.pcap.gz")]
    [InlineData("trace --event 2 --flows PIPE --ports p1=1,p2=2 --in both.pcap", "flows.txt")]
    [InlineData("trace --event 0 --flows flows.txt --ports p1=1,p2=2 --in PIPE", "packet.jsonl")]
    [InlineData("whatif --profiles tiny --flows flows.txt --ports p1=1,p2=2 --in PIPE", "both.pcap")]
    [InlineData("whatif --profiles tiny --flows PIPE --ports p1=1,p2=2 --in packet.jsonl", "flows.txt")]
    public async Task What_is_replayed_more_than_once_may_come_through_a_pipe(string command, string content)
    {
        using TemporaryFolder folder = Files();
        folder.Write("packet.jsonl", $$"""{"i":0,"t":5,"op":"pkt","port":1,"hex":"{{Convert.ToHexStringLower(s_ask)}}"}""" + "\n");
        CliRun expected = Run(folder, command.Replace("PIPE", content, StringComparison.Ordinal));
        Assert.Equal(ExitCode.Ok, expected.ExitCode);
        using System.Diagnostics.Process make = System.Diagnostics.Process.Start("mkfifo", [folder["PIPE"]]);
        await make.WaitForExitAsync(TestContext.Current.CancellationToken);
        Task write = Task.Run(() => File.WriteAllBytes(folder["PIPE"], File.ReadAllBytes(folder[content])), TestContext.Current.CancellationToken);
        CliRun run = Run(folder, command);
        await write;
        Assert.Equal(expected.Output, run.Output);
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Empty(Directory.GetFiles(Path.GetTempPath(), $"mergeflow-spool-{Environment.ProcessId}-*"));
    }

    [Fact]
    public async Task A_copy_of_a_pipe_is_bounded_and_removed()
    {
        using TemporaryFolder folder = new();
        using System.Diagnostics.Process make = System.Diagnostics.Process.Start("mkfifo", [folder["PIPE"]]);
        await make.WaitForExitAsync(TestContext.Current.CancellationToken);
        Task write = Task.Run(() => { try { File.WriteAllBytes(folder["PIPE"], new byte[3 << 20]); } catch (IOException) { } }, TestContext.Current.CancellationToken);
        CommandFailedException e = Assert.Throws<CommandFailedException>(() => InputSpool.Of([folder["PIPE"]], TestContext.Current.CancellationToken, 1 << 20));
        await write;
        Assert.Equal((ExitCode.BadInput, $"{folder["PIPE"]}: more than 1 MiB, the most that is kept of an input that can be read only once; give it as a file"), (e.Code, e.Message));
        Assert.Empty(Directory.GetFiles(Path.GetTempPath(), $"mergeflow-spool-{Environment.ProcessId}-*"));
    }

    private static byte[] IcmpError(uint from, uint to, ReadOnlySpan<byte> quoted)
    {
        byte[] frame = FrameBuilder.Build(from, to, 0x0303, 0, proto: 1, frameBytes: Math.Max(61, 42 + quoted.Length))[..(42 + quoted.Length)];
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(16), (ushort)(28 + quoted.Length));
        frame.AsSpan(24, 2).Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(frame.AsSpan(24), InternetChecksum.Compute(frame.AsSpan(14, 20)));
        frame.AsSpan(36).Clear();
        quoted.CopyTo(frame.AsSpan(42));
        BinaryPrimitives.WriteUInt16LittleEndian(frame.AsSpan(36), InternetChecksum.Compute(frame.AsSpan(34)));
        return frame;
    }

    private static byte[] Ipv6(UInt128 from, UInt128 to, byte protocol, byte[] payload, int sumAt)
    {
        byte[] frame = [.. s_ask.AsSpan(0, 12), 0x86, 0xdd, 0x60, 0, 0, 0, 0, (byte)payload.Length, protocol, 64, .. new byte[32], .. payload];
        BinaryPrimitives.WriteUInt128BigEndian(frame.AsSpan(22), from);
        BinaryPrimitives.WriteUInt128BigEndian(frame.AsSpan(38), to);
        BinaryPrimitives.WriteUInt16LittleEndian(frame.AsSpan(54 + sumAt), InternetChecksum.UpperLayer6(frame.AsSpan(14, 40), frame.AsSpan(54), protocol));
        return frame;
    }

    private static CliRun Run(TemporaryFolder folder, string command)
        => CliRun.Of([.. command.Split(' ').Select(w => w is "out.jsonl" or "ports" or "PIPE" || w.StartsWith("ports/", StringComparison.Ordinal) || File.Exists(folder[w]) ? folder[w] : w)]);

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
