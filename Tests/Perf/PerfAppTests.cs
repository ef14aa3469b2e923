using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The harness as a program: exit codes, one line per failure, the files it writes.</summary>
public sealed class PerfAppTests
{
    public static TheoryData<string, int, string> Refusals => new()
    {
        { "--scenario nosuch", PerfExitCode.Usage, "nosuch" },
        { "--bogus", PerfExitCode.Usage, "--bogus" },
        { "--seconds 0", PerfExitCode.Usage, "--seconds" },
        { "--runs 0", PerfExitCode.Usage, "--runs" },
        { "--offload magic", PerfExitCode.Usage, "magic" },
        { "--cache maybe", PerfExitCode.Usage, "maybe" },
        { "--cpu 9999", PerfExitCode.Usage, "--cpu" },
        { "--nic-profile nosuch", PerfExitCode.Usage, "nosuch" },
        { "--flows x", PerfExitCode.Usage, "--pcap" },
        { "--pcap DIR/cut.pcap --scenario s1", PerfExitCode.Usage, "exclude" },
        { "--pcap DIR/cut.pcap --port 9", PerfExitCode.Usage, "--port" },
        { "--pcap DIR/nosuch.pcap", PerfExitCode.Failed, "nosuch.pcap" },
        { "--pcap DIR/empty.pcap", PerfExitCode.BadInput, "empty" },
        { "--pcap DIR/text.pcap", PerfExitCode.BadInput, "text.pcap" },
        { "--pcap DIR/good.pcap --flows DIR/nosuch.txt", PerfExitCode.Failed, "nosuch.txt" },
        { "--pcap DIR/good.pcap --flows DIR/bad.txt", PerfExitCode.BadInput, "line 2" },
        { "--pcap DIR/good.pcap --flows DIR/refused.txt", PerfExitCode.BadInput, "line 3" },
        { "--suite DIR/text.pcap", PerfExitCode.Usage, "line 1" },
        { "--suite DIR/suite.json", PerfExitCode.Usage, "scenarios[1]" },
        { "--baseline DIR/nosuch.json", PerfExitCode.Failed, "nosuch.json" },
        { "--baseline DIR/text.pcap", PerfExitCode.BadInput, "line 1" },
        { "--peer-table DIR/nosuch.tsv", PerfExitCode.Failed, "nosuch.tsv" },
        { "--peer-table DIR/bad.txt", PerfExitCode.BadInput, "line 1" },
        { "compare DIR/nosuch.json DIR/nosuch.json", PerfExitCode.Failed, "nosuch.json" },
        { "--frame-size 63", PerfExitCode.Usage, "--frame-size" },
        { "--frame-size 512 --pcap DIR/good.pcap", PerfExitCode.Usage, "--frame-size" },
        { "synth --subtables 61", PerfExitCode.Usage, "--subtables" },
        { "synth --connections 0", PerfExitCode.Usage, "--connections" },
        { "synth --distribution normal", PerfExitCode.Usage, "normal" },
        { "churn --rate fast", PerfExitCode.Usage, "--rate" },
        { "churn --kind none", PerfExitCode.Usage, "none" },
        { "churn --length 0", PerfExitCode.Usage, "--length" },
        { "--suite DIR/member.json", PerfExitCode.Usage, "colour" },
        { "--suite DIR/value.json", PerfExitCode.Usage, "scenarios[0]" },
        { "--suite DIR/nosuch.json", PerfExitCode.Usage, "nosuch.json" },
        { "--json DIR/nosuch/r.json", PerfExitCode.Failed, "the directory does not exist" },
        { "report DIR/nosuch.json", PerfExitCode.Failed, "nosuch.json" },
        { "readme-table DIR/text.pcap", PerfExitCode.BadInput, "line 1" },
        { "ob-peer --offload nic", PerfExitCode.Usage, "nic" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_refusal_is_one_line_and_an_exit_code(string arguments, int expectedCode, string expected)
    {
        using TemporaryFolder folder = Files();
        using StringWriter error = new();
        string[] args = [.. arguments.Split(' ').Select(a => a.StartsWith("DIR/", StringComparison.Ordinal) ? folder[a[4..]] : a)];
        int code = PerfApp.Run(args, TextWriter.Null, error, TestContext.Current.CancellationToken);
        string text = error.ToString();
        Assert.Equal(expectedCode, code);
        Assert.StartsWith("run-perf: ", text);
        Assert.Contains(expected, text);
        Assert.Equal(text.Length - 1, text.IndexOf('\n'));
    }

    [Fact]
    public void A_capture_gives_results_and_a_report()
    {
        using TemporaryFolder folder = Files();
        (string json, string html) = (folder["results.json"], folder["report.html"]);
        using StringWriter output = new();
        using StringWriter error = new();
        int code = PerfApp.Run(
            ["--pcap", folder["good.pcap"], "--offload", "none,soft", "--seconds", "0.02", "--runs", "2", "--pmd-perf-show", "--json", json, "--html", html],
            output, error, TestContext.Current.CancellationToken);
        Assert.Equal("", error.ToString());
        Assert.Equal(PerfExitCode.Ok, code);

        // No terminal: plain text, one line per finished row with the time that is left.
        Assert.All(output.ToString(), c => Assert.True(c is '\n' or (>= ' ' and < '\u007f'), $"character {(int)c}"));
        Assert.Matches(@"\[ 1/2\] good\.pcap none .*about \d+ s left\n", output.ToString());
        Assert.Contains("pmd thread core_id", output.ToString());
        ResultsFile results = ResultsJson.Load(json);
        Assert.Equal(["none", "soft"], results.Scenarios.Select(s => s.Offload));
        Assert.All(results.Scenarios, s => Assert.Equal(100, s.Tiers.Nic + s.Tiers.Merged + s.Tiers.Emc + s.Tiers.Megaflow + s.Tiers.Upcall, 6));
        Assert.Single(results.Scenarios.Select(s => s.OutputSha256).Distinct());
        string page = File.ReadAllText(html);
        Assert.Contains("<svg", page);
        Assert.DoesNotContain("http", page.Replace("http-equiv", ""));
        Assert.DoesNotContain("<script", page);

        Assert.Equal(PerfExitCode.Ok, PerfApp.Run(["compare", json, json, "--threshold", "900"], TextWriter.Null, error, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Several_results_give_one_report()
    {
        using TemporaryFolder folder = new();
        folder.Write("a.json", ResultsJson.Write(SampleResults.File(SampleResults.Row("first", 30))));
        folder.Write("b.json", ResultsJson.Write(SampleResults.File(SampleResults.Row("second", 40))));
        int code = PerfApp.Run(["report", folder["a.json"], folder["b.json"], "--html", folder["r.html"]], TextWriter.Null, TextWriter.Null, TestContext.Current.CancellationToken);
        Assert.Equal(PerfExitCode.Ok, code);
        string page = File.ReadAllText(folder["r.html"]);
        Assert.Contains("first &#183; soft", page);
        Assert.Contains("second &#183; soft", page);
    }

    [Fact]
    public void Rows_of_the_same_label_say_which_file_they_are_from()
    {
        ResultsFile before = SampleResults.File(SampleResults.Row("s1_uni", 57), SampleResults.Row("only", 1)) with { Notes = ["both", "noisy"] };
        ResultsFile now = SampleResults.File(SampleResults.Row("s1_uni", 157)) with { Notes = ["both"] };
        ResultsFile all = ResultsFile.Join([("old/before.json", before), ("now.json", now)]);
        Assert.Equal(["s1_uni (before)", "only", "s1_uni (now)"], all.Scenarios.Select(static r => r.Name));
        Assert.Equal(["both", "before: noisy"], all.Notes);
        Assert.Equal(["s1_uni (1:a/r.json)", "only", "s1_uni (2:b/r.json)"], ResultsFile.Join([("a/r.json", before), ("b/r.json", now)]).Scenarios.Select(static r => r.Name));
        Assert.Equal(["s1_uni", "only"], ResultsFile.Join([("a/r.json", before)]).Scenarios.Select(static r => r.Name));
    }

    [Fact]
    public void A_PMD_is_shown_as_Open_vSwitch_shows_it()
    {
        string text = PmdPerfShow.Text(SampleResults.Row("s1_uni", 40, 50) with { Tiers = new TierShares(0, 60, 30, 8, 2), PassesPerPacket = 0.8 }, 2e9);
        Assert.Contains("pmd thread core_id 1: s1_uni - soft", text);
        Assert.Matches(@"Rx packets: +2000000  \(", text);
        Assert.Matches(@"Merged hits: +1200000  \(60\.0 % of packets", text);
        Assert.Matches(@"Datapath passes: +1600000  \(0\.80 passes/pkt\)", text);
        Assert.Matches(@"EMC hits: +1200000  \(75\.0 %\)", text);
        Assert.Matches(@"Upcalls: +80000  \(5\.0 %\)", text);
    }

    [Fact]
    public void An_interrupt_leaves_nothing_behind()
    {
        using TemporaryFolder folder = Files();
        using CancellationTokenSource interrupt = new();
        interrupt.Cancel();
        int code = PerfApp.Run(["--scenario", "s1", "--json", folder["r.json"], "--html", folder["r.html"]], TextWriter.Null, TextWriter.Null, interrupt.Token);
        Assert.Equal(PerfExitCode.Interrupted, code);
        Assert.DoesNotContain(folder.Names, n => n.StartsWith("r.", StringComparison.Ordinal));
    }

    [Fact]
    public void Names_in_the_report_are_escaped()
    {
        string page = HtmlReport.Write(SampleResults.File(SampleResults.Row("<b>&.pcap", 30, 31)), null);
        Assert.DoesNotContain("<b>", page);
        Assert.Contains("&lt;b&gt;&amp;.pcap", page);
        Assert.Contains("Sample &lt;CPU&gt; &amp; co", page);
    }

    private static TemporaryFolder Files()
    {
        TemporaryFolder folder = new();
        folder.Write("empty.pcap", "");
        folder.Write("text.pcap", "this is no capture");
        folder.Write("bad.txt", "priority=1,actions=drop\npriority=2,nosuchfield=1,actions=drop\n");
        folder.Write("refused.txt", "# first\n\nactions=dec_ttl\n");
        folder.Write("suite.json", """{"scenarios":[{"name":"s1"},{"name":"nosuch"}]}""");
        folder.Write("member.json", """{"scenarios":[{"name":"s1","colour":"red"}]}""");
        folder.Write("value.json", """{"scenarios":[{"name":"s1","runs":"many"}]}""");
        using var writer = new PcapWriter(folder["good.pcap"]);
        for (int i = 0; i < 20; i++) writer.Write(FrameBuilder.Build(0x0a000001 + (uint)(i & 1), 0x0a000002 - (uint)(i & 1), 1000, 1000), i);
        return folder;
    }
}
