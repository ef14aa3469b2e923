using System.Text.RegularExpressions;
using Mergeflow.Cli;
using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Packets that the kernel forwards are run through software beside it: what is right stays, what is not is found, revoked and reported.</summary>
public sealed class LiveShadowTests
{
    private const int Frames = 50;
    private const int L4ChecksumReplace = 11;

    private const string Nat =
        """
        table=0,priority=5,ip actions=ct(table=1,zone=1,nat)
        table=1,priority=8,ct_state=+trk+new,in_port=1,ip actions=ct(commit,zone=1,nat(src=10.0.9.9)),output:2
        table=1,priority=7,ct_state=+trk+est,in_port=1,ip actions=dec_ttl,output:2
        table=1,priority=7,ct_state=+trk+est,in_port=2,ip actions=dec_ttl,output:1
        """;

    private static readonly byte[] s_there = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Udp, NicFrame.UdpDatagram(7, 8, 100));
    private static readonly byte[] s_back = NicFrame.New().Ipv4("10.0.0.2", "10.0.9.9", NicFrame.Udp, NicFrame.UdpDatagram(8, 7, 100));

    public static TheoryData<string> Traffic => new()
    {
        "in_port=1 actions=mod_vlan_vid:7,output:2\nin_port=2 actions=output:1",
        "in_port=1,udp actions=mod_nw_src:1.2.3.4,mod_tp_dst:99,mod_dl_src:02:03:04:05:06:07,output:2\nin_port=2 actions=output:1",
        "in_port=1,ip actions=mod_nw_tos:184,dec_ttl,output:2\nin_port=2 actions=output:1",
        Nat,
    };

    [Theory]
    [MemberData(nameof(Traffic))]
    public void What_the_kernel_does_is_what_software_would_have_done(string flows)
    {
        using LiveLab lab = new();
        using Bench bench = new(lab, flows);
        ShadowCheck shadow = bench.Switch.Datapath.Shadow!;
        LiveLab.WaitFor(
            () =>
            {
                bench.Exchange();
                return shadow.Alike >= Frames;
            },
            $"{Frames} packets that were checked");
        Assert.Empty(bench.Differences.Select(static d => d.Difference));
        Assert.Equal(0ul, shadow.Differences);
        bench.Switch.Stop();
    }

    [Fact]
    public void Super_frames_and_unfinished_checksums_are_what_software_would_have_made_of_them()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.85.0.1/24"]), b = lab.AddHost("b", ["10.86.0.2/24"]);
        lab.SetGateway("a", "10.85.0.254", "02:00:00:00:00:fe");
        lab.SetGateway("b", "10.86.0.254", "02:00:00:00:00:fe");
        string flows =
            $"""
            table=0,priority=5,ip actions=ct(table=1,zone=1,nat)
            table=1,priority=8,ct_state=+trk+new,in_port=1,ip actions=ct(commit,zone=1,nat(src=10.86.0.100)),mod_dl_dst:{LiveLab.MacOf("b")},output:2
            table=1,priority=7,ct_state=+trk+est,in_port=1,ip actions=mod_dl_dst:{LiveLab.MacOf("b")},output:2
            table=1,priority=7,ct_state=+trk+est,in_port=2,ip actions=mod_dl_dst:{LiveLab.MacOf("a")},output:1
            """;
        lab.Must("b", "ip", "neigh", "replace", "10.86.0.100", "lladdr", "02:00:00:00:00:fe", "dev", "eth0", "nud", "permanent");
        using LiveSwitch s = new(flows, OffloadMode.Kernel, shadowOneIn: 50);
        List<ShadowDifference> differences = [];
        s.Datapath.Shadow!.Reported = differences.Add;
        s.Ports.Add(new TcPort(1, a), LiveSwitch.Now);
        s.Ports.Add(new TcPort(2, b), LiveSwitch.Now);
        LiveStream.Send(lab, "a", "b", "10.86.0.2", megabytes: 256);
        LiveLab.WaitFor(() => s.Datapath.Shadow!.Alike > 10, "packets that were checked");
        Assert.Empty(differences);
        s.Stop();
    }

    /// <summary>A program that does not correct the transport's checksum behind a translation: frames leave that only their receivers would find wrong.</summary>
    [Fact]
    public void A_broken_rewrite_is_found_revoked_and_reported_with_both_packets()
    {
        using LiveLab lab = new();
        using Bench bench = new(lab, Nat, BreakChecksum);
        LiveLab.WaitFor(
            () =>
            {
                bench.Exchange();
                return bench.Differences.Count > 0;
            },
            "a difference");
        ShadowDifference d = bench.Differences[0];
        Assert.Equal(OffloadReason.ShadowDifference, d.Rule.Reason);
        Assert.NotEqual(Convert.ToHexString(d.Sample.Output), Convert.ToHexString(Assert.Single(d.Software).Frame));
        Assert.StartsWith("byte 40 is", d.Difference, StringComparison.Ordinal);
        LiveLab.WaitFor(() => bench.Switch.Datapath.Offload!.Report.DeadRules().Any(r => r.Id == d.Rule.Id), "the end of the rule");
        Assert.Contains(bench.Switch.Datapath.Offload!.Stats.RemovedBy.Sorted(), static r => r.Reason == OffloadReason.ShadowDifference);
        bench.Switch.Stop();
    }

    [Fact]
    public void A_difference_is_said_and_kept_as_a_case_that_replay_repeats()
    {
        using LiveLab lab = new();
        using TemporaryFolder files = new();
        string a = lab.AddHost("a", []), b = lab.AddHost("b", []);
        KernelNic.Broken.Value = BreakChecksum;
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2", "--flows", files.Write("f.txt", Nat), "--offload", "kernel", "--shadow", "all", "--shadow-cases", files["cases"]);
        using LiveWire from = new(lab, "a"), to = new(lab, "b");
        LiveLab.WaitFor(
            () =>
            {
                from.Send(s_there);
                to.Send(s_back);
                return s.Said.Contains("kept in ", StringComparison.Ordinal);
            },
            "a case");
        Assert.Contains("the kernel forwards otherwise than software, rule ", s.Said, StringComparison.Ordinal);

        // The next difference may be about to be written.
        string directory = Regex.Match(s.Said, "kept in (.*)").Groups[1].Value.Trim();
        CliRun replay = CliRun.Of("replay", "--case", directory, "--offload", "none", "--out", files["out.jsonl"]);
        Assert.True(replay.ExitCode == 0, replay.Error);
        string[] expected = File.ReadAllLines(Path.Combine(directory, "expected.jsonl"));
        Assert.Equal(expected, File.ReadAllLines(files["out.jsonl"])[..^1]);
        string sent = File.ReadAllText(Path.Combine(directory, "kernel.jsonl")).Trim();
        Assert.DoesNotContain(sent[1..^1], expected[^1], StringComparison.Ordinal);
        Assert.Contains("ShadowDifference", s.Must("offload", "show", "--dead"), StringComparison.Ordinal);
        Assert.Matches(@"otherwise than software[ |]+[1-9]", s.Must("offload", "stats"));
        Assert.Contains("ShadowDifference", s.Must("offload", "stats"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--shadow", "x")]
    [InlineData("--shadow", "-1")]
    [InlineData("--shadow", "5", "--offload=soft")]
    public void A_wrong_rate_is_refused_in_one_line(params string[] arguments)
    {
        CliRun run = CliRun.Of(["switch", "--port", "none0=1", .. arguments.Length > 2 ? Array.Empty<string>() : ["--offload", "kernel"], .. arguments]);
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.Contains("--shadow", run.Error, StringComparison.Ordinal);
    }

    /// <summary>The transport's checksum is not corrected any more: where the helper was called, 0 is returned.</summary>
    private static BpfInstruction[] BreakChecksum(BpfInstruction[] code)
        => [.. code.Select(static i => i.Code == 0x85 && i.Immediate == L4ChecksumReplace ? new BpfInstruction(0xb7, 0, 0, 0) : i)];

    private sealed class Bench : IDisposable
    {
        private readonly LiveWire _a, _b;

        public Bench(LiveLab lab, string flows, Func<BpfInstruction[], BpfInstruction[]>? edit = null)
        {
            string a = lab.AddHost("a", []), b = lab.AddHost("b", []);
            Switch = new LiveSwitch(flows, OffloadMode.Kernel, shadowOneIn: 1);
            Switch.Datapath.Kernel!.Edit = edit;
            Switch.Datapath.Shadow!.Reported = Differences.Add;
            foreach (string device in new[] { a, b }) Switch.Ports.Add(new TcPort((uint)Switch.Ports.All.Count + 1, device), LiveSwitch.Now);
            (_a, _b) = (new LiveWire(lab, "a"), new LiveWire(lab, "b"));
        }

        public LiveSwitch Switch { get; }

        public List<ShadowDifference> Differences { get; } = [];

        public void Exchange()
        {
            _a.Send(s_there);
            _b.Send(s_back);
        }

        public void Dispose()
        {
            Switch.Dispose();
            _a.Dispose();
            _b.Dispose();
        }
    }
}
