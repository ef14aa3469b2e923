using Mergeflow.Cli;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a running switch does becomes a case, and its frames a capture.</summary>
public sealed class RecordTests
{
    private const string Nat = """
        table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1,nat)
        table=0,priority=1,arp,actions=normal
        table=1,priority=10,ip,in_port=1,ct_state=+trk+new,actions=ct(commit,nat(src=10.78.0.99)),output:2
        table=1,priority=10,ip,in_port=1,ct_state=+trk+est,actions=output:2
        table=1,priority=10,ip,in_port=2,ct_state=+trk+est,actions=output:1
        table=1,priority=10,ip,in_port=2,ct_state=+trk+rel,actions=output:1
        """;

    [Fact]
    public void A_recording_is_repeated_with_the_same_outputs_in_every_offload_mode()
    {
        if (!File.Exists("/usr/bin/iperf3")) Assert.Skip("iperf3 is not installed");
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        lab.Must("b", "ip", "neigh", "add", "10.78.0.99", "lladdr", lab.Must("a", "cat", "/sys/class/net/eth0/address").Trim(), "dev", "eth0");
        using TemporaryFolder files = new();
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2", "--flows", files.Write("f.txt", Nat));

        // A connection that is there when the recording begins, and one that begins in it.
        using LiveProcess server = lab.Begin("b", "iperf3", "-s", "--forceflush");
        LiveLab.WaitFor(() => server.Text.Contains("listening", StringComparison.OrdinalIgnoreCase), "iperf3");
        using LiveProcess client = lab.Begin("a", "iperf3", "-c", "10.78.0.2", "-C", "cubic", "-b", "20M", "-t", "30");
        LiveLab.WaitFor(() => s.Must("dump-conntrack").Contains("dst=10.78.0.99", StringComparison.Ordinal), "the connection");
        string directory = files["case"];
        CliRun? record = null;
        Thread recorder = new(() => record = s.Ask("record", "--seconds", "2", "--out", directory));
        recorder.Start();
        while (!recorder.Join(100)) lab.On("a", "ping", "-c", "2", "-i", "0.05", "-W", "1", "10.78.0.2");
        Assert.True(record!.ExitCode == 0, record.Error);
        Assert.Contains("packets, ", record.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("came faster", record.Error, StringComparison.Ordinal);
        string[] expected = File.ReadAllLines(Path.Combine(directory, "expected.jsonl"));
        Assert.True(expected.Length > 50, $"{expected.Length} packets");
        Assert.Contains(expected, static l => l.Contains("[2,", StringComparison.Ordinal));
        Assert.True(File.ReadAllLines(Path.Combine(directory, "connections.jsonl")).Length > 1);
        foreach (string mode in new[] { "none", "soft", "nic" })
        {
            CliRun replay = CliRun.Of("replay", "--case", directory, "--offload", mode, "--out", files["out.jsonl"]);
            Assert.True(replay.ExitCode == 0, replay.Error);
            Assert.Equal(expected, File.ReadAllLines(files["out.jsonl"])[..^1]);
        }

        Assert.Equal(ExitCode.Failed, s.Ask("record", "--seconds", "1", "--out", directory).ExitCode);
    }

    [Fact]
    public void What_has_just_happened_is_repeated_too()
    {
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        using TemporaryFolder files = new();
        lab.Must("b", "ip", "neigh", "add", "10.78.0.99", "lladdr", lab.Must("a", "cat", "/sys/class/net/eth0/address").Trim(), "dev", "eth0");
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2", "--flows", files.Write("f.txt", Nat));
        for (int turn = 0; turn < 2; turn++)
        {
            // The second time connections are there already.
            lab.Must("a", "ping", "-c", "20", "-i", "0.02", "-W", "5", "10.78.0.2");
            string directory = files[$"case{turn}"];
            CliRun record = s.Ask("record", "--last", "5", "--out", directory);
            Assert.True(record.ExitCode == 0, record.Error);
            string[] expected = File.ReadAllLines(Path.Combine(directory, "expected.jsonl"));
            Assert.True(expected.Length >= 40, $"{expected.Length} packets: {record.Error}");
            foreach (string mode in new[] { "none", "soft", "nic" })
            {
                CliRun replay = CliRun.Of("replay", "--case", directory, "--offload", mode, "--out", files["out.jsonl"]);
                Assert.True(replay.ExitCode == 0, replay.Error);
                Assert.Equal(expected, File.ReadAllLines(files["out.jsonl"])[..^1]);
            }
        }

        CliRun nothing = s.Ask("record", "--last", "5", "--out", files["nothing"]);
        Assert.True(nothing.ExitCode == ExitCode.Failed || File.ReadAllLines(Path.Combine(files["nothing"], "expected.jsonl")).Length < 10, nothing.Error);
        using SwitchRun forgetful = new("--port", "mfnone=1,type=tap", "--keep-last", "0");
        Assert.Equal(ExitCode.Failed, forgetful.Ask("record", "--last", "5", "--out", files["none"]).ExitCode);
        Assert.False(Directory.Exists(files["none"]));
    }

    [Fact]
    public void A_port_is_captured_until_there_is_enough()
    {
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2");
        using TemporaryFolder folder = new();
        using LiveProcess ping = lab.Begin("a", "ping", "-i", "0.02", "10.78.0.2");
        CliRun run = s.Ask("tcpdump", a, "--count", "6", "--direction", "in", "--out", folder["f.pcap"]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("6 frames written, 0 left out", run.Error, StringComparison.Ordinal);
        using CaptureReader capture = CaptureFile.Open(folder["f.pcap"]);
        long last = 0, frames = 0;
        while (capture.TryRead(out CaptureFrame frame))
        {
            Assert.InRange(frame.TimestampNs, Math.Max(last, (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - 600_000) * 1_000_000), (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + 1000) * 1_000_000);
            last = frame.TimestampNs;
            frames++;
        }

        Assert.Equal(6, frames);
        Assert.Equal(ExitCode.Failed, s.Ask("tcpdump", "nowhere", "--out", folder["g"]).ExitCode);
        Assert.False(File.Exists(folder["g"]));
    }

    private static (string A, string B) Hosts(LiveLab lab) => (lab.AddHost("a", ["10.78.0.1/24"]), lab.AddHost("b", ["10.78.0.2/24"]));
}
