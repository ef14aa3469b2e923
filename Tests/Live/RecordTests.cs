using System.Globalization;
using System.Text.RegularExpressions;
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

    /// <summary>What rules in the kernel forward comes to no packet thread; for a recording every frame does.</summary>
    [Fact]
    public void A_recording_beside_rules_in_the_kernel_has_all_packets_and_is_repeated()
    {
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        lab.Must("b", "ip", "neigh", "add", "10.78.0.99", "lladdr", lab.Must("a", "cat", "/sys/class/net/eth0/address").Trim(), "dev", "eth0");
        using TemporaryFolder files = new();
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2", "--flows", files.Write("f.txt", Nat), "--offload", "kernel");
        using LiveTalk talk = new(lab, ("a", "10.78.0.1"), ("b", "10.78.0.2"), "10.78.0.99");
        LiveLab.WaitFor(() => ForwardedByKernel(s) > 20, "a rule in the kernel");
        string directory = files["case"];
        CliRun record = s.Ask("record", "--seconds", "2", "--out", directory);
        Assert.True(record.ExitCode == 0, record.Error);
        Assert.DoesNotContain("kernel", record.Error, StringComparison.Ordinal);
        string[] expected = File.ReadAllLines(Path.Combine(directory, "expected.jsonl"));
        Assert.True(expected.Length > 50, $"{expected.Length} packets");
        Assert.InRange(expected.Count(static l => l.Contains("\"out\":[]", StringComparison.Ordinal)), 0, expected.Length / 50);
        foreach (string mode in new[] { "none", "soft", "nic" })
        {
            CliRun replay = CliRun.Of("replay", "--case", directory, "--offload", mode, "--out", files["out.jsonl"]);
            Assert.True(replay.ExitCode == 0, replay.Error);
            Assert.Equal(expected, File.ReadAllLines(files["out.jsonl"])[..^1]);
        }

        // Behind it the rules are used again.
        ulong before = ForwardedByKernel(s);
        LiveLab.WaitFor(() => ForwardedByKernel(s) > before + 20, "the rules again");
    }

    /// <summary>Rules, groups, meters and ports that change while a recording runs, connections that are flushed: replay does the same at the same places between packets.</summary>
    [Theory]
    [InlineData("soft", 1)]
    [InlineData("soft", 2)]
    [InlineData("kernel", 1)]
    public void Changes_while_a_recording_runs_are_repeated_at_their_places(string offload, int threads)
    {
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        string c = lab.AddHost("c", ["10.78.0.3/24"]);
        using TemporaryFolder files = new();
        const string rules =
            """
            table=0,priority=10,ip,in_port=1,ct_state=-trk,actions=ct(table=1)
            table=0,priority=10,ip,in_port=2,ct_state=-trk,actions=ct(table=1)
            table=0,priority=1,actions=normal
            table=1,priority=10,ip,in_port=1,ct_state=+trk+new,actions=ct(commit),output:2
            table=1,priority=9,ip,in_port=1,ct_state=+trk+est,actions=output:2
            table=1,priority=9,ip,in_port=2,ct_state=+trk+est,actions=output:1
            """;
        using SwitchRun s = new(["--port", $"{a}=1", "--port", $"{b}=2", "--port", $"{c}=3", "--flows", files.Write("f.txt", rules), "--offload", offload, .. threads > 1 ? new[] { "--pmd-cpus", "0,1" } : []]);
        using LiveProcess ping = lab.Begin("a", "ping", "-q", "-i", "0.002", "10.78.0.2"), back = lab.Begin("b", "ping", "-q", "-i", "0.003", "10.78.0.1"), third = lab.Begin("c", "ping", "-q", "-i", "0.003", "10.78.0.2");
        using LiveTalk talk = new(lab, ("a", "10.78.0.1"), ("b", "10.78.0.2"));
        if (offload == "kernel") LiveLab.WaitFor(() => ForwardedByKernel(s) > 20, "a rule in the kernel");
        LiveLab.WaitFor(() => s.Must("dump-conntrack").Contains("10.78.0.1", StringComparison.Ordinal), "a connection");
        string directory = files["case"];
        CliRun? record = null;
        Thread recorder = new(() => record = s.Ask("record", "--seconds", "5", "--out", directory));
        recorder.Start();
        string drop = files.Write("drop.txt", "table=1,priority=20,ip,in_port=1,actions=drop"), pass = files.Write("pass.txt", "delete_strict table=1,priority=20,ip,in_port=1");
        string group = files.Write("g.txt", "add_or_mod group_id=5,type=all,bucket=output:2,bucket=output:3"), other = files.Write("h.txt", "add_or_mod group_id=5,type=all,bucket=output:3");
        string meter = files.Write("m.txt", "add meter=7 pktps bands=type=drop rate=100000"), to = files.Write("to.txt", "table=1,priority=20,ip,in_port=1,cookie=0x17,actions=meter:7,group:5");
        while (!recorder.Join(20))
        {
            s.Must("add-flows", drop);
            s.Must("add-flows", pass);
            s.Must("add-groups", group);
            s.Must("add-meters", meter);
            s.Must("add-flows", to);
            s.Must("add-groups", other);

            // Which of two threads came first to a connection that is made anew, a recording does not say.
            if (threads == 1) s.Must("flush-conntrack");
            s.Must("del-flows", "cookie=0x17/-1");
            lab.Must("c", "ip", "link", "set", "eth0", "down");
            Thread.Sleep(20);
            lab.Must("c", "ip", "link", "set", "eth0", "up");
            s.Must("mod-port", b, "down");
            s.Must("mod-port", b, "up");
            s.Must("add-meters", files.Write("n.txt", "delete meter=7"));
        }

        Assert.True(record!.ExitCode == 0, record.Error);
        Assert.DoesNotContain("came faster", record.Error, StringComparison.Ordinal);
        Assert.Matches(" at the beginning, [0-9]+ changes", record.Error);
        string[] expected = File.ReadAllLines(Path.Combine(directory, "expected.jsonl"));
        string events = File.ReadAllText(Path.Combine(directory, "events.jsonl"));
        string[] ops = ["flow_mods", "group_mods", "meter_mods", "port_down", "port_up", .. threads == 1 ? new[] { "ct_flush" } : []];
        foreach (string op in ops) Assert.Contains($"\"op\":\"{op}\"", events, StringComparison.Ordinal);
        Assert.Contains(expected, static l => l.Contains("[2,", StringComparison.Ordinal) && l.Contains("[3,", StringComparison.Ordinal));
        foreach (string mode in new[] { "none", "soft", "nic" })
        {
            CliRun replay = CliRun.Of("replay", "--case", directory, "--offload", mode, "--out", files["out.jsonl"]);
            Assert.True(replay.ExitCode == 0, replay.Error);
            string[] outputs = File.ReadAllLines(files["out.jsonl"])[..^1];
            for (int i = 0; i < expected.Length; i++)
            {
                if (expected[i] != outputs[i]) Assert.Fail($"{mode}, line {i} of {expected.Length}: {events.Split('\n')[i]}\nexpected {expected[i]}\nbut was  {outputs[i]}");
            }
        }
    }

    [Fact]
    public void What_the_kernel_forwards_is_captured_too_and_how_much_of_it_is_said()
    {
        using LiveLab lab = new();
        (string a, string b) = Hosts(lab);
        foreach (string host in new[] { "a", "b" }) lab.Must(host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
        using TemporaryFolder folder = new();
        const string translation =
            """
            in_port=1,ip actions=mod_nw_src:10.78.0.99,output:2
            in_port=2,ip actions=mod_nw_dst:10.78.0.1,output:1
            arp actions=normal
            """;
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2", "--flows", folder.Write("f.txt", translation), "--offload", "kernel");
        lab.Must("b", "ip", "neigh", "add", "10.78.0.99", "lladdr", lab.Must("a", "cat", "/sys/class/net/eth0/address").Trim(), "dev", "eth0");
        using LiveProcess ping = lab.Begin("a", "ping", "-q", "-i", "0.01", "10.78.0.2");
        LiveLab.WaitFor(() => ForwardedByKernel(s) > 20, "a rule in the kernel");

        // Each request that comes in here leaves there with another source: as it came, and as it left.
        (List<byte[]> came, ulong copied, ulong all) = Capture(s, folder["in.pcap"], a, "in", "all");
        Assert.All(came, static f => Assert.Equal([10, 78, 0, 1], f[26..30]));
        Assert.True(copied >= 40 && copied <= all, $"{copied} of {all}");
        (List<byte[]> left, _, _) = Capture(s, folder["out.pcap"], b, "out", "all");
        Assert.All(left, static f => Assert.Equal([10, 78, 0, 99], f[26..30]));
        int[] sequence = [.. came.Select(static f => (f[40] << 8) | f[41])];
        Assert.Equal(Enumerable.Range(sequence[0], sequence.Length), sequence);

        (_, copied, all) = Capture(s, folder["some.pcap"], "all", "both", "10");
        Assert.InRange(copied, 1ul, all - 1);
        foreach (string wrong in new[] { "0", "-1", "x" })
        {
            CliRun run = s.Ask("tcpdump", a, "--kernel", wrong, "--out", folder["wrong"]);
            Assert.Equal(ExitCode.Usage, run.ExitCode);
            Assert.Contains("--kernel", run.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>Captures 50 frames; them, and of how many packets of the kernel how many are among them.</summary>
    private static (List<byte[]> Frames, ulong Copied, ulong All) Capture(SwitchRun s, string file, string port, string direction, string oneIn)
    {
        CliRun run = s.Ask("tcpdump", port, "--count", "50", "--direction", direction, "--kernel", oneIn, "--out", file);
        Assert.True(run.ExitCode == 0, run.Error);
        System.Text.RegularExpressions.Match said = Regex.Match(run.Error, "of ([0-9]+) packets that the kernel forwarded meanwhile, ([0-9]+) are among them");
        Assert.True(said.Success, run.Error);
        List<byte[]> frames = [];
        using CaptureReader capture = CaptureFile.Open(file);
        while (capture.TryRead(out CaptureFrame frame)) frames.Add(frame.Bytes.ToArray());
        Assert.Equal(50, frames.Count);
        return (frames, ulong.Parse(said.Groups[2].Value, CultureInfo.InvariantCulture), ulong.Parse(said.Groups[1].Value, CultureInfo.InvariantCulture));
    }

    private static ulong ForwardedByKernel(SwitchRun s)
        => Regex.Matches(s.Must("ports", "-s"), "in the kernel:([0-9]+)").Aggregate(0ul, static (sum, m) => sum + ulong.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture));

    private static (string A, string B) Hosts(LiveLab lab) => (lab.AddHost("a", ["10.78.0.1/24"]), lab.AddHost("b", ["10.78.0.2/24"]));
}
