using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mergeflow.Cli;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What a reader of report.html relies on: the answer in front, one colour per tier, numbers that belong to their bars, nothing cut.</summary>
public sealed class ReportPageTests
{
    private static readonly string[] s_tiers = ["nic", "merged", "emc", "megaflow", "upcall"];

    [Fact]
    public void The_headline_of_a_capture_says_what_its_one_pass_gave()
    {
        ResultsFile file = ResultsJson.Read(ResultsJson.Write(Capture()), "x");
        var page = new ReportPage(file);
        ScenarioResult nic = file.Scenarios.Single(static r => r.Offload == "nic"), soft = file.Scenarios.Single(static r => r.Offload == "soft"), none = file.Scenarios.Single(static r => r.Offload == "none");
        string[] percent = ShareTable.Percent([.. nic.FirstPass!.Select(static p => p.Packets)]);
        Assert.Equal([$"{percent[0]} %", $"{none.CyclesPerPacket.Median / soft.CyclesPerPacket.Median:F1} ×", ResultsTable.Short(soft.CyclesPerPacket.Median)], page.Figures);
        Assert.Equal(["63.0 %", "2.0 ×", "100.0"], page.Figures);
        string text = page.All("section", "figures").Single().Value;
        Assert.Contains("91.7 % of bytes of x.pcap taken by the NIC, in one pass. Largest loss: CtTcpFlags, 25.0 % of packets.", text, StringComparison.Ordinal);
        Assert.Contains("No other switch was measured beside it (--peer ovs)", text, StringComparison.Ordinal);
    }

    /// <summary>Rounded so that the shares of the table add up, a share may differ by a tenth from its own rounding: it is the same everywhere all the same.</summary>
    [Fact]
    public void A_capture_has_one_share()
    {
        ReasonCount[] parts = [new(ShareTable.Offloaded, 924_440, 1), new("made the rule of their flow", 10_440, 1), new("CtTcpFlags", 65_120, 1)];
        string shown = ShareTable.Percent([.. parts.Select(static p => p.Packets)])[0];
        ResultsFile file = Capture();
        file = file with { Scenarios = [file.Scenarios[0], file.Scenarios[1] with { FirstPass = parts }] };
        var page = new ReportPage(file);
        Assert.Equal("92.5", shown);
        Assert.Equal($"{shown} %", page.Figures[0]);
        Assert.Equal($"{shown} %", page.Section("By scenario").Descendants("td").Single(static t => t.Attribute("data-label")?.Value == "soft offload takes").Value);
        using StringWriter terminal = new();
        ResultsTable.Print(TextTable.ConsoleOn(terminal), file);
        Assert.Matches($@"\| +{shown} \|", terminal.ToString());
    }

    [Fact]
    public void The_headline_of_several_rows_is_their_median_with_the_least_and_the_most()
    {
        ScenarioResult With(string name, double cycles, double peer) => SampleResults.Row(name, cycles) with { Peer = new PeerResult("ovs 3.1", Spread.Of([1e6]), Spread.Of([peer])), Tiers = new TierShares(0, cycles, 0, 0, 0) };
        var page = new ReportPage(SampleResults.File(With("a", 30, 60), With("b", 40, 400), With("c", 90, 270)));
        Assert.Equal(["40.0 %", "3.0 ×", "40.0"], page.Figures);
        string text = page.All("section", "figures").Single().Value;
        Assert.Contains("the median of 3 rows, from 2.0 × (a · soft) to 10.0 × (b · soft)", text, StringComparison.Ordinal);
        Assert.Contains("from 30.0 (a · soft) to 90.0 (c · soft)", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_not_measured_is_a_dash()
    {
        ScenarioResult row = SampleResults.Row("a", 30) with { Offload = "none", Tiers = new TierShares(0, 0, 90, 10, 0) };
        var page = new ReportPage(SampleResults.File(row));
        Assert.Equal(["–", "–", "30.0"], page.Figures);
        Assert.Contains("--offload all", page.All("section", "figures").Single().Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Cycles_of_an_emulated_NIC_are_no_cost_in_the_headline()
    {
        ScenarioResult row = SampleResults.Row("a", 100) with { Offload = "nic", DeviceCyclesPerPacket = 70, Tiers = new TierShares(100, 0, 0, 0, 0) };
        Assert.Equal("30.0", new ReportPage(SampleResults.File(row)).Figures[2]);
    }

    [Fact]
    public void The_answer_and_why_not_stand_before_the_charts()
    {
        var page = new ReportPage(Capture() with { Scenarios = [.. Capture().Scenarios, SampleResults.Row("s4_udp_1k_uni", 30)] });
        string[] order = [.. page.All("section").Select(static s => s.Element("h2")?.Value ?? s.Attribute("aria-label")!.Value)];
        Assert.Equal(["Headline", "Warnings", "What became of the packets: x.pcap", "By scenario", "Why not offloaded", "Cost"], order[..6]);
        Assert.Equal([.. order.Skip(2)], page.All("nav").Single().Elements("a").Select(static a => a.Value));
        Assert.All(page.All("nav").Single().Elements("a"), a => Assert.Single(page.All("section"), s => "#" + s.Attribute("id")?.Value == a.Attribute("href")!.Value));
    }

    [Fact]
    public void Every_packet_of_a_capture_is_in_one_line_of_its_table_and_the_shares_add_up()
    {
        XElement section = new ReportPage(Capture()).Section("What became of the packets: x.pcap");
        XElement[] rows = [.. section.Descendants("tbody").Single().Elements("tr")];
        Assert.Equal(["took a merged rule", "made the rule of their flow", "CtTcpFlags", "CtNotEstablished", "all"], rows.Select(static r => r.Elements("td").First().Nodes().OfType<XText>().First().Value));
        for (int column = 1; column <= 2; column++)
        {
            decimal[] shares = [.. rows.Select(r => r.Elements("td").ElementAt(column).Nodes().OfType<XText>().FirstOrDefault()?.Value).Where(static t => t is not (null or "-")).Select(static t => decimal.Parse(t!.Split(' ')[0]))];
            Assert.Equal(100, shares[..^1].Sum());
            Assert.Equal(100, shares[^1]);
        }

        Assert.Contains("software has to see it. What helps:", section.Value, StringComparison.Ordinal);
        Assert.Contains("26 packets, 4.1 % of bytes", section.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Reasons_of_measured_runs_have_shares_and_a_sentence()
    {
        ScenarioResult row = SampleResults.Row("a", 30) with { Reasons = [new ReasonCount("QueueFull", 30, 300), new ReasonCount("CtInvalid", 10, 100)] };
        XElement section = new ReportPage(SampleResults.File(row)).Section("Why not offloaded");
        Assert.Equal(["75.0 %", "25.0 %"], section.Descendants("td").Where(static t => t.Attribute("data-label")?.Value == "of these").Select(static t => t.Value));
        Assert.Contains(ReasonText.Sentence(OffloadReason.QueueFull), section.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void No_table_is_cut()
    {
        var page = new ReportPage(Everything());
        XElement[] tables = [.. page.All("table")];
        Assert.True(tables.Length >= 7, $"{tables.Length} tables");
        foreach (XElement table in tables)
        {
            Assert.Equal("scroll", table.Parent!.Attribute("class")?.Value);
            Assert.Equal("0", table.Parent.Attribute("tabindex")?.Value);
            Assert.NotEmpty(table.Parent.Attribute("aria-label")!.Value);
            string[] headers = [.. table.Descendants("th").Select(static h => h.Value)];
            Assert.All(table.Descendants("th"), static h => Assert.Equal("col", h.Attribute("scope")?.Value));

            // On a phone the header is not there: each cell brings its own.
            foreach (XElement row in table.Element("tbody")!.Elements("tr"))
                Assert.Equal(headers[1..], row.Elements("td").Skip(1).Select(static c => c.Attribute("data-label")?.Value));
        }

        Assert.Matches(@"\.scroll \{[^}]*overflow-x: auto;", page.Rules);
        Assert.Contains("content: attr(data-label)", page.Rules, StringComparison.Ordinal);
        Assert.DoesNotContain("text-overflow", page.Rules, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tier_has_one_colour_everywhere()
    {
        var page = new ReportPage(Everything());
        foreach (IReadOnlyDictionary<string, string> theme in new[] { page.Light, page.Dark })
        {
            string[] colours = [.. s_tiers.Select(t => theme["t-" + t])];
            Assert.Equal(colours.Length, colours.Distinct().Count());
            Assert.All(theme.Where(static v => !v.Key.StartsWith("t-", StringComparison.Ordinal)), v => Assert.DoesNotContain(v.Value, colours));
        }

        // Every rule of a tier's class takes the tier's variable, and only such classes, the modes that are named after a tier and what is no mark do.
        foreach (System.Text.RegularExpressions.Match rule in Regex.Matches(page.Rules, @"([^{}]+)\{([^{}]*)\}"))
        {
            string selector = rule.Groups[1].Value.Trim();
            string[] used = [.. Regex.Matches(rule.Groups[2].Value, @"var\(--t-([a-z]+)\)").Select(static m => m.Groups[1].Value).Distinct()];
            System.Text.RegularExpressions.Match tier = Regex.Match(selector, @"\.t-([a-z]+)$");
            if (tier.Success) Assert.Equal([tier.Groups[1].Value], used);
            else if (used.Length > 0) Assert.Contains((selector, used.Single()), new[] { (".m-soft", "merged"), (".m-nic", "nic"), ("a", "emc"), (".scroll:focus-visible", "emc") });
        }

        Assert.Contains(".m-soft { fill: var(--t-merged);", page.Rules, StringComparison.Ordinal);
        Assert.Contains(".m-nic { fill: var(--t-nic);", page.Rules, StringComparison.Ordinal);
        XElement over = page.Section("Tiers over time: ramp · nic");
        Assert.Equal(["t-nic", "t-emc", "t-upcall"], over.Elements("svg").First().Elements("polyline").Select(static l => l.Attribute("class")!.Value));
        Assert.Equal(["t-nic", "st-parse", "t-emc", "t-upcall"], page.Section("Where the cycles go").Elements("svg").First().Elements("rect").Select(static l => l.Attribute("class")!.Value));
        Assert.DoesNotContain("t-", string.Concat(page.Section("NIC occupancy").Descendants("rect").Select(static r => r.Attribute("class")!.Value)), StringComparison.Ordinal);
        Assert.DoesNotContain("style=\"fill", page.Html, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_class_of_a_mark_has_a_colour()
    {
        var page = new ReportPage(Everything());
        foreach (string css in page.Body.Descendants().Where(static e => e.Name.LocalName is "rect" or "circle" or "i").SelectMany(static e => (e.Attribute("class")?.Value ?? "").Split(' ')).Distinct().Where(static c => c is not ("bar" or "run" or "median" or "")))
            Assert.Contains($".{css} {{", page.Rules, StringComparison.Ordinal);
    }

    [Fact]
    public void The_number_beside_a_bar_of_tiers_is_the_share_that_was_offloaded()
    {
        ScenarioResult[] rows =
        [
            SampleResults.Row("a", 30) with { Offload = "none", Tiers = new TierShares(0, 0, 97, 3, 0) },
            SampleResults.Row("a", 30) with { Offload = "nic", Tiers = new TierShares(20, 10, 70, 0, 0) },
            SampleResults.Row("a", 30) with { Tiers = new TierShares(0, 0, 100, 0, 0) },
        ];
        static string[] Numbers(ScenarioResult[] of, int svg) => [.. new ReportPage(SampleResults.File(of)).Section("Where packets are decided").Elements("svg").ElementAt(svg).Elements("text").Where(static t => t.Attribute("class")!.Value == "value").Select(static t => t.Value)];
        Assert.Equal(["–", "30.0 %", "0 %"], Numbers(rows, 0));
        Assert.Equal(["–", "30.0 %", "0 %"], Numbers(rows, 1));

        // Where nothing could be offloaded the number is the cache's, and the text says so.
        Assert.Equal(["97.0 %"], Numbers(rows[..1], 0));
        Assert.Contains("The number is the share that the exact-match cache decided", new ReportPage(SampleResults.File(rows[0])).Html, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("today.json", "yesterday.json")]
    [InlineData("a/results.json", "b/results.json")]
    [InlineData("a-rather-long-name-of-a-file-with-figures-of-today.json", "a-rather-long-name-of-a-file-with-figures-of-yesterday.json")]
    public void Labels_of_a_report_of_two_files_differ(string a, string b)
    {
        ResultsFile one = SampleResults.File(SampleResults.Row("s1_uni", 30), SampleResults.Row("s1_uni", 40) with { Offload = "none" });
        var page = new ReportPage(ResultsFile.Join([(a, one), (b, one)]));
        foreach (XElement svg in page.Section("Cost").Elements("svg"))
        {
            XElement[] texts = [.. svg.Elements("text").Where(static t => t.Attribute("class")!.Value is "label" or "value")];
            string[] labels = [.. string.Concat(texts.Select(static t => t.Attribute("class")!.Value == "value" ? "\n" : t.Value)).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
            Assert.Equal(4, labels.Length);
            Assert.Equal(4, labels.Distinct().Count());
        }
    }

    [Fact]
    public void Rows_of_one_file_that_are_called_the_same_are_told_apart()
    {
        ScenarioResult nic = SampleResults.Row("x", 30) with { Offload = "nic", NicProfile = "tiny" };
        Assert.Equal(["x (tiny)", "x (large)"], SampleResults.File(nic, nic with { NicProfile = "/p/large.json" }).WithDistinctLabels().Scenarios.Select(static r => r.Name));
        Assert.Equal(["x (1)", "x (2)", "y"], SampleResults.File(nic, nic, nic with { Name = "y" }).WithDistinctLabels().Scenarios.Select(static r => r.Name));
    }

    [Fact]
    public void Warnings_stand_apart_from_other_notes()
    {
        ResultsFile file = SampleResults.File(SampleResults.Row("a", 30)) with { Notes = ["all is well", "do not trust it"], Warnings = ["do not trust it"] };
        var page = new ReportPage(file);
        Assert.Equal(["do not trust it"], page.All("section", "warnings").Single().Elements("p").Select(static p => p.Value));
        Assert.Contains("all is well", page.Section("Measured on").Value, StringComparison.Ordinal);
        Assert.Empty(new ReportPage(file with { Warnings = [] }).All("section", "warnings"));
    }

    [Fact]
    public void Nothing_is_loaded_from_anywhere()
    {
        string html = new ReportPage(Everything()).Html;
        Assert.DoesNotMatch("<script|<link|<img|<iframe|src=|url\\(|@import|https?:", html);
        Assert.DoesNotMatch(" on[a-z]+=", html);
    }

    [Fact]
    public void Text_and_marks_can_be_told_from_what_is_behind_them()
    {
        var page = new ReportPage(Capture());
        foreach (IReadOnlyDictionary<string, string> theme in new[] { page.Light, page.Dark })
        {
            foreach (string behind in new[] { "card", "page" })
            {
                foreach (string text in new[] { "ink", "soft", "good", "bad", "unsure", "t-emc" }) AtLeast(4.5, text, behind);
                foreach (string mark in theme.Keys.Where(static k => k.StartsWith("t-", StringComparison.Ordinal) || Regex.IsMatch(k, "^c[0-9]$") || k is "none" or "peer" or "lost")) AtLeast(3, mark, behind);
            }

            void AtLeast(double least, string front, string behind)
                => Assert.True(ReportPage.Contrast(theme[front], theme[behind]) >= least, $"--{front} {theme[front]} on --{behind} {theme[behind]}: {ReportPage.Contrast(theme[front], theme[behind]):F2}, not {least}");
        }
    }

    private static ResultsFile Capture()
    {
        ReasonCount[] parts = [new(ShareTable.Offloaded, 63, 1100), new("made the rule of their flow", 12, 50), new("CtTcpFlags", 26, 50)];
        ScenarioResult none = SampleResults.Row("x.pcap", 200) with { Offload = "none", Reasons = [], Loop = new LoopInfo(10, 2), Tiers = new TierShares(0, 0, 90, 9, 1) };
        return SampleResults.File(
            none,
            none with { Offload = "soft", CyclesPerPacket = Spread.Of([100]), FirstPass = [.. parts, new("CtNotEstablished", 3, 10)], Tiers = new TierShares(0, 40, 60, 0, 0) },
            none with { Offload = "nic", CyclesPerPacket = Spread.Of([900]), DeviceCyclesPerPacket = 800, FirstPass = [parts[0], parts[1], parts[2] with { Packets = 25 }], Tiers = new TierShares(50, 0, 50, 0, 0), Frames = 101, OutputSha256 = new string('a', 64) }) with
        { Warnings = ["A note."] };
    }

    /// <summary>A file with all that a report can show.</summary>
    private static ResultsFile Everything()
    {
        ScenarioResult row = SampleResults.Row("ramp", 30, 31) with
        {
            Offload = "nic",
            NicProfile = "tiny",
            Nic = new NicOccupancy(4, 16, 2, 4, 1, 4),
            Stages = new StageResult([new("parse", 12), new("device", 900), new("emc", 3), new("upcall", 3)], 918, 1000),
            Ramp = [new RampPoint(1, 1e6, 0, 0, new TierShares(0, 0, 80, 0, 20)), new RampPoint(2, 1e6, 90, 5, new TierShares(90, 0, 10, 0, 0))],
            Peer = new PeerResult("peer 1.0", Spread.Of([2e6]), Spread.Of([900])),
        };
        return SampleResults.File([.. Capture().Scenarios, row, SampleResults.Row("s4_udp_1k_uni", 40)]);
    }
}
