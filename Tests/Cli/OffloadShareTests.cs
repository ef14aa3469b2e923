using System.Globalization;
using System.Text.Json;
using Mergeflow.Cli;
using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>How much is offloaded, why not the rest, which flows: one answer, whose parts add up, from both programs.</summary>
public sealed class OffloadShareTests
{
    private static readonly string[] s_cases = ["ct_firewall", "acl"];

    public static TheoryData<string, string> Cases => [.. s_cases.SelectMany(static c => new[] { (c, "soft"), (c, "nic"), (c, "nic --profile tiny"), (c, "nic --admission after-3") })];

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_parts_add_up_to_what_was_received(string name, string offload)
    {
        string[] device = offload.Split(' ');
        CliRun run = CliRun.Of(["offload", "stats", "--case", CaseFiles.Load(name).Directory, "--offload", .. device]);
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        string[][] rows = [.. Rows(run.Output, "packets that")];
        string[] all = rows[^1];
        Assert.Equal(("all", "100.0", "100.0"), (all[0], all[2], all[4]));
        Assert.Equal(Number(all[1]), rows[..^1].Sum(static r => Number(r[1])));
        Assert.Equal(Number(all[3]), rows[..^1].Sum(static r => Number(r[3])));
        Assert.Equal(100.0, rows[..^1].Sum(static r => double.Parse(r[2], CultureInfo.InvariantCulture)), 6);
        Assert.Equal(100.0, rows[..^1].Sum(static r => double.Parse(r[4], CultureInfo.InvariantCulture)), 6);
        Assert.DoesNotContain(rows, static r => r[0] == "not known");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_flows_of_a_reason_add_up_to_the_reason(string name, string offload)
    {
        string[] source = ["--case", CaseFiles.Load(name).Directory, "--offload", .. offload.Split(' ')];
        using JsonDocument stats = JsonDocument.Parse(CliRun.Of(["offload", "stats", "--json", .. source]).Output);
        JsonDocument[] why = [.. CliRun.Of(["offload", "why", "--json", "--top", "1000000", .. source]).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => JsonDocument.Parse(l))];
        JsonElement refused = stats.RootElement.GetProperty("refused"), bytes = stats.RootElement.GetProperty("refused_bytes");
        Assert.Equal(refused.EnumerateObject().Select(static p => p.Name).Order(), why.Select(static w => w.RootElement.GetProperty("reason").GetString()!).Order());
        foreach (JsonElement reason in why.Select(static w => w.RootElement))
        {
            string code = reason.GetProperty("reason").GetString()!;
            JsonElement[] flows = [.. reason.GetProperty("heaviest").EnumerateArray()];
            Assert.Equal(refused.GetProperty(code).GetInt64(), flows.Sum(static f => f.GetProperty("packets").GetInt64()));
            Assert.Equal(bytes.GetProperty(code).GetInt64(), flows.Sum(static f => f.GetProperty("bytes").GetInt64()));
            Assert.Equal(flows.Length, reason.GetProperty("flows").GetInt32());
        }

        // And all flows together are what was received, and what was offloaded.
        JsonElement[] every = [.. CliRun.Of(["offload", "explain", "--flow", "", "--json", "--top", "1000000", .. source]).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => JsonDocument.Parse(l).RootElement)];
        Assert.Equal(stats.RootElement.GetProperty("rx_packets").GetInt64(), every.Sum(static f => f.GetProperty("packets").GetInt64()));
        Assert.Equal(stats.RootElement.GetProperty("offload_hits").GetInt64(), every.Sum(static f => f.GetProperty("offloaded_packets").GetInt64()));
        Assert.Equal(stats.RootElement.GetProperty("offload_bytes").GetInt64(), every.Sum(static f => f.GetProperty("offloaded_bytes").GetInt64()));
        foreach (JsonDocument w in why) w.Dispose();
    }

    [Theory]
    [InlineData("soft")]
    [InlineData("nic")]
    public void Both_programs_give_one_answer_for_one_capture(string offload)
    {
        using TemporaryFolder folder = new();
        string capture = Firewall(folder), flows = folder.Write("fw.txt", DefaultFlows.Text);
        using StringWriter output = new(), error = new();
        Assert.Equal(
            PerfExitCode.Ok,
            PerfApp.Run(["--pcap", capture, "--offload", offload, "--seconds", "0.02", "--runs", "1", "--json", folder["r.json"], "--html", folder["r.html"]], output, error, TestContext.Current.CancellationToken));
        CliRun run = CliRun.Of("offload", "stats", "--flows", flows, "--ports", "p1=1,p2=2,p3=3,p4=4", "--in", capture, "--offload", offload);
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Equal(Rows(run.Output, "packets that"), Rows(output.ToString(), "packets that"));
        string summary = run.Output.TrimEnd('\n').Split('\n')[^1];
        Assert.Contains(summary, output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("; largest loss: None", summary, StringComparison.Ordinal);

        // The row has the same share beside that of the loop, and says what the loop does.
        ScenarioResult row = Assert.Single(ResultsJson.Load(folder["r.json"]).Scenarios);
        string share = Rows(run.Output, "packets that").First()[2];
        Assert.Equal(share, ShareTable.Share(row.FirstPass![0].Packets, (ulong)row.Frames!.Value));
        Assert.Contains("one pass %", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("each is closed and opened again in every round", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_refused_before_the_runs_is_no_loss_of_them()
    {
        ReasonCount[] before = [new("QueueFull", 541_034, 1000), new("CtTcpFlags", 1, 60)], now = [new("QueueFull", 541_034, 1000), new("CtTcpFlags", 3, 180), new("Alg", 1, 9)];
        Assert.Equal([new ReasonCount("CtTcpFlags", 2, 120), new ReasonCount("Alg", 1, 9)], ReasonCount.Since(now, before));
    }

    [Fact]
    public void Less_than_nothing_has_no_share() => Assert.Equal(["75.0", "0.0", "25.0"], ShareTable.Percent([75, unchecked((ulong)-2), 25]));

    [Theory]
    [InlineData(new ulong[] { 1, 1, 1 })]
    [InlineData(new ulong[] { 0, 999, 1, 1, 1, 1, 1, 1, 1 })]
    [InlineData(new ulong[] { ulong.MaxValue / 3, ulong.MaxValue / 3, 5 })]
    [InlineData(new ulong[] { 7 })]
    public void Printed_shares_add_up_to_a_hundred(ulong[] parts)
        => Assert.Equal(100.0, ShareTable.Percent(parts).Sum(static p => double.Parse(p, CultureInfo.InvariantCulture)), 6);

    [Fact]
    public void Every_reason_has_a_sentence_and_a_hint()
        => Assert.All(Enum.GetValues<OffloadReason>(), static r =>
        {
            Assert.Matches(@"^[A-Z].*\.$", ReasonText.Sentence(r));
            Assert.Matches(@"^[-A-Z].*\.$", ReasonText.Hint(r, "meter"));
            Assert.Matches(@"^[-A-Z].*\.$", ReasonText.Hint(r, null));
        });

    [Theory]
    [InlineData("why CtTcpFlags --top 1", 0, "heaviest 1 of")]
    [InlineData("why cttcpflags", 0, "SYN, FIN, RST")]
    [InlineData("why Alg", 4, "no packet was refused for Alg")]
    [InlineData("why Nonsense", 64, "")]
    [InlineData("why --top -1", 64, "")]
    [InlineData("explain --flow tcp,tp_dst=80", 0, "17 flows:")]
    [InlineData("explain --flow ip,nw_src=10.1.0.0/16 --top 2", 0, "heaviest 2 flows")]
    [InlineData("explain --flow icmp", 0, "IcmpWithCt")]
    [InlineData("explain --flow udp,tp_dst=1", 4, "not seen: no packet of the input matches")]
    [InlineData("explain --flow tcp,tp_dst=80x", 64, "")]
    public void Reasons_lead_to_flows(string command, int expectedCode, string expected)
    {
        CliRun run = CliRun.Of(["offload", .. command.Split(' '), "--case", CaseFiles.Load("ct_firewall").Directory, "--offload", "soft"]);
        Assert.Equal(expectedCode, run.ExitCode);
        Assert.Contains(expected, run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("30", "took a merged rule: in_port(2)")]
    [InlineData("0", "no rule: CtNotEstablished(ct_state) in pass 0")]
    public void A_trace_ends_with_the_verdict_of_the_merge(string index, string expected)
    {
        CliRun run = CliRun.Of("trace", "--event", index, "--case", CaseFiles.Load("ct_firewall").Directory);
        Assert.Equal(ExitCode.Ok, run.ExitCode);
        Assert.Contains($"Merge (offload soft): {expected}", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void What_if_says_what_the_replay_of_that_NIC_says()
    {
        string directory = CaseFiles.Load("ct_firewall").Directory;
        JsonElement[] rows = [.. CliRun.Of("whatif", "--json", "--profiles", "ideal,tiny", "--admissions", "always,after-3", "--case", directory).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => JsonDocument.Parse(l).RootElement)];
        Assert.Equal(4, rows.Length);
        foreach (JsonElement row in rows)
        {
            CliRun one = CliRun.Of("offload", "stats", "--json", "--case", directory, "--offload", "nic", "--profile", row.GetProperty("profile").GetString()!, "--admission", row.GetProperty("admission").GetString()!);
            JsonElement stats = JsonDocument.Parse(one.Output).RootElement;
            foreach (string member in new[] { "rx_packets", "rx_bytes", "offload_hits", "offload_bytes", "n_offloaded", "evicted" }) Assert.Equal(stats.GetProperty(member).GetInt64(), row.GetProperty(member).GetInt64());
        }

        Assert.InRange(rows[2].GetProperty("most_rules").GetInt32(), 1, 16);
        Assert.True(rows[2].GetProperty("evicted").GetInt32() > 0);
        CliRun table = CliRun.Of("whatif", "--profiles", "tiny", "--admissions", "always", "--case", directory);
        Assert.Contains(ShareTable.Share((ulong)rows[2].GetProperty("offload_bytes").GetInt64(), (ulong)rows[2].GetProperty("rx_bytes").GetInt64()), table.Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, CliRun.Of("whatif", "--admissions", "never", "--case", directory).ExitCode);
        Assert.Equal(ExitCode.Failed, CliRun.Of("whatif", "--profiles", "ideal,nowhere", "--case", directory).ExitCode);
    }

    /// <summary>Rows of the table whose first header is this, as cells.</summary>
    private static IEnumerable<string[]> Rows(string output, string header)
    {
        string[] lines = output.Split('\n');
        int from = Array.FindIndex(lines, l => l.StartsWith($"| {header}", StringComparison.Ordinal));
        Assert.True(from >= 0, output);
        return lines.Skip(from + 2).TakeWhile(static l => l.StartsWith('|')).Select(static l => l.Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    private static long Number(string cell) => long.Parse(cell, NumberStyles.AllowThousands | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    /// <summary>Connections with both sides; some of them closed, one never answered.</summary>
    internal static string Firewall(TemporaryFolder folder)
    {
        string path = folder["fw.pcap"];
        using PcapWriter writer = new(path);
        long ns = 1_700_000_000_000_000_000;
        void Send(uint from, uint to, ushort source, ushort destination, byte flags = 0)
        {
            bool isSyn = (flags & 2) != 0, isReply = source == 443;
            uint own = isReply ? 2000u : 1000u, other = isReply ? 1000u : 2000u;
            byte[] frame = flags == 0
                ? FrameBuilder.Build(from, to, source, destination)
                : FrameBuilder.Build(from, to, source, destination, proto: 6, flags: flags, seq: isSyn ? own - 1 : own, ack: (flags & 0x10) != 0 ? other : 0);
            writer.Write(frame, ns += 700_000);
        }

        for (ushort c = 0; c < 12; c++)
        {
            (uint inside, uint outside, ushort port) = (0x0a00_0001u + c, 0xc0a8_0001u, (ushort)(1000 + c));
            if (c % 3 == 0)
            {
                Send(inside, outside, port, 443, 0x02);
                Send(outside, inside, 443, port, 0x12);
                Send(inside, outside, port, 443, 0x10);
            }

            for (int i = 0; i < 20; i++)
            {
                byte flags = c % 3 == 0 ? (byte)0x10 : (byte)0;
                Send(inside, outside, port, 443, flags);
                if (c != 7) Send(outside, inside, 443, port, flags);
            }

            if (c % 6 == 0) Send(inside, outside, port, 443, 0x11);
        }

        return path;
    }
}
