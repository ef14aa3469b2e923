using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary><c>--metrics</c>: what is served while a replay runs and after it, to friend and foe.</summary>
public sealed partial class ServedMetricsTests
{
    private const string Case = "--case Tests/Data/cases/ct_firewall --offload soft --out out.jsonl";
    private const int Bursts = 40;
    private const long MostBytes = 400L << 20;

    [Fact]
    public async Task After_a_replay_its_last_values_are_served_until_a_signal_ends_the_program()
    {
        using ServedRun run = new($"replay {Case}");
        OpenMetricsReader metrics = await run.ReadOnceDone();
        CliRun stats = CliRun.Of("offload", "stats", "--case", CaseFiles.Load("ct_firewall").Directory, "--offload", "soft", "--json");
        using JsonDocument told = JsonDocument.Parse(stats.Output.Split('\n')[0]);
        Assert.Equal(925, metrics.Samples["mergeflow_received_packets_total{datapath=1}"]);
        Assert.Equal(63_312, metrics.Samples["mergeflow_received_bytes_total{datapath=1}"]);
        Assert.Equal(metrics.Samples["mergeflow_lookups_total{datapath=1,tier=merged}"], metrics.Samples["mergeflow_offload_hit_packets_total{datapath=1}"]);
        Assert.Equal(metrics.Samples["mergeflow_lookups_total{datapath=1,tier=upcall}"], metrics.Samples["mergeflow_upcall_duration_seconds_count{}"]);
        Assert.Equal(1, metrics.Samples[$"mergeflow_build_info{{commit={ProgramVersion.Commit},version={ProgramVersion.Number}}}"]);
        Assert.Equal((0, $"mergeflow: note: metrics at http://127.0.0.1:{run.Port}/metrics\n"), run.End());
    }

    [Fact]
    public async Task While_a_replay_waits_for_input_what_it_has_done_is_served()
    {
        using ServedRun run = new("replay --flows flows.txt --ports p1=1,p2=2 --in - --out out.jsonl");

        // More than the program reads at a time.
        for (int i = 0; i < 20_000; i++) await run.Input.WriteAsync($$"""{"i":{{i}},"t":{{i}},"op":"pkt","port":1,"hex":"0200000000010200000000020800"}""" + "\n");
        await run.Input.FlushAsync(TestContext.Current.CancellationToken);
        OpenMetricsReader metrics;
        do metrics = await run.Read();
        while (metrics.Samples.GetValueOrDefault("mergeflow_received_packets_total{datapath=1}") < 1);

        Assert.False(File.Exists(run.Folder["out.jsonl"]));
        run.Input.Close();
        await run.ReadOnceDone();
        Assert.Equal(0, run.End().Code);
    }

    [Fact]
    public async Task Prometheus_reads_what_is_served()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3") && TypedPython("import prometheus_client.openmetrics.parser", "").Code == 0, "python3-prometheus-client is not installed");
        using ServedRun run = new($"replay {Case}");
        await run.ReadOnceDone();
        (int code, string output) = TypedPython("import sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as read; print(len(list(read(sys.stdin.read()))))", await run.Text());
        Assert.Equal(0, code);
        Assert.True(int.Parse(output, System.Globalization.CultureInfo.InvariantCulture) > 20, output);
    }

    /// <summary>What the program serves has the names, types and units that the document's instruments have by the rules of OpenMetrics.</summary>
    [Fact]
    public async Task Every_instrument_of_the_document_is_served()
    {
        using ServedRun run = new($"replay {Case}");
        OpenMetricsReader metrics = await run.ReadOnceDone();
        (string Name, string Type)[] documented = [.. Documented()];
        Assert.True(documented.Length > 20);

        // A counter of what has not happened yet has no series.
        Assert.DoesNotContain(documented, d => metrics.Types.GetValueOrDefault(d.Name) != d.Type && d.Name != "mergeflow_poller_failures");
        Assert.Equal(["mergeflow_build"], metrics.Types.Keys.Except(documented.Select(static d => d.Name)));
        Assert.All(metrics.Types.Keys.Where(static n => n.EndsWith("_bytes", StringComparison.Ordinal)), n => Assert.Equal("bytes", metrics.Units[n]));
        Assert.All(metrics.Types.Where(static t => t.Value == "histogram"), t => Assert.Equal("seconds", metrics.Units[t.Key]));
        Assert.Equal(metrics.Types.Keys.Order(), metrics.Help.Keys.Order());
    }

    [Fact]
    public void The_dashboard_asks_for_what_is_served_and_nothing_else()
    {
        string[] samples = [.. Documented().SelectMany(static d => d.Type switch
        {
            "counter" => new[] { $"{d.Name}_total" },
            "histogram" => [$"{d.Name}_bucket", $"{d.Name}_count", $"{d.Name}_sum"],
            _ => [d.Name],
        })];
        using JsonDocument dashboard = JsonDocument.Parse(RepositoryFiles.Read("docs/grafana/mergeflow.json"));
        string[] queries = [.. dashboard.RootElement.GetProperty("panels").EnumerateArray().SelectMany(static p => p.GetProperty("targets").EnumerateArray()).Select(static t => t.GetProperty("expr").GetString()!)];
        string[] asked = [.. queries.Append(dashboard.RootElement.GetProperty("templating").ToString()).SelectMany(static q => MetricName().Matches(q)).Select(static m => m.Value).Distinct()];
        Assert.Empty(asked.Except(samples));
        Assert.All(queries, static q => Assert.Matches(MetricName(), q));

        // Each instrument is looked at somewhere.
        Assert.DoesNotContain(Documented(), d => !asked.Any(a => a.StartsWith(d.Name, StringComparison.Ordinal)));
        string[] labels = [.. queries.SelectMany(static q => LabelName().Matches(q)).Select(static m => m.Groups[1].Value).Distinct()];
        Assert.Empty(labels.Except(["datapath", "tier", "reason", "cause", "poller", "le"]));
    }

    [Fact]
    public async Task Hostile_requests_get_short_answers_and_keep_nobody_waiting()
    {
        using ServedRun run = new($"replay {Case}");
        await run.ReadOnceDone();
        string[] hostile =
        [
            "\0\u0001\u00ff garbage\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET /metrics HTTP/9.9\r\n\r\n", "GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /%00%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET http://[ HTTP/1.1\r\nHost: [\r\n\r\n", "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n", "POST /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFF\r\n",
            "DELETE /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", $"GET /{new string('a', 1 << 20)} HTTP/1.1\r\n\r\n",
            $"GET /metrics HTTP/1.1\r\nHost: localhost\r\n{string.Concat(Enumerable.Range(0, 100_000).Select(static i => $"X-{i}: {i}\r\n"))}\r\n", "GET /metrics HTTP/1.1\r\nHost: localhost\r\n", "",
        ];
        List<TcpClient> open = [];
        for (int burst = 0; burst < Bursts; burst++)
        {
            foreach (string request in hostile)
            {
                TcpClient client = new();
                await client.ConnectAsync(IPAddress.Loopback, run.Port, TestContext.Current.CancellationToken);
                open.Add(client);
                try
                {
                    await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(request), TestContext.Current.CancellationToken);
                }
                catch (IOException)
                {
                    // Cut off: so it should be.
                }
            }

            if (burst == 0)
            {
                foreach (TcpClient client in open.SkipLast(2)) Assert.Matches(@"^(HTTP/1\.[01] [45]\d\d |$)", await FirstLine(client));
            }
        }

        // All of them are open still, and who asks as one should is answered.
        Assert.Equal(925, (await run.Read()).Samples["mergeflow_received_packets_total{datapath=1}"]);
        Assert.True(run.MemoryBytes < MostBytes, $"{run.MemoryBytes} bytes");
        foreach (TcpClient client in open) client.Dispose();
        (int code, string error) = run.End();
        Assert.Equal(0, code);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task Label_values_are_escaped()
    {
        using Meter meter = new("Mergeflow");
        Counter<long> counter = meter.CreateCounter<long>("mergeflow.escapes", "{escape}", "A \"quoted\" back\\slash\nand a line");
        int port = ServedRun.FreePort();
        using CancellationTokenSource end = new();
        using TemporaryFolder folder = new();
        Task<int> command = Task.Run(() => App.Run(["replay", "--case", CaseFiles.Load("acl").Directory, "--out", folder["out"], "--metrics", $"localhost:{port}", "--linger"], TextWriter.Null, TextWriter.Null, end.Token));
        OpenMetricsReader metrics;
        do
        {
            counter.Add(1, new KeyValuePair<string, object?>("what", "a\"b\\c\nd"));
            metrics = OpenMetricsReader.Read(await ServedRun.Fetch(port));
        }
        while (!metrics.Types.ContainsKey("mergeflow_escapes") || !File.Exists(folder["out"]));
        await end.CancelAsync();
        Assert.Equal(0, await command);
        Assert.Equal("A \\\"quoted\\\" back\\\\slash\\nand a line.", metrics.Help["mergeflow_escapes"]);
        Assert.Contains(metrics.Samples.Keys, static k => k == "mergeflow_escapes_total{what=a\"b\\c\nd}");
    }

    [Theory]
    [InlineData("--metrics nowhere")]
    [InlineData("--metrics 0")]
    [InlineData("--metrics 65536")]
    [InlineData("--metrics example.com:9464")]
    [InlineData("--metrics ::1:9464")]
    [InlineData("--metrics [127.0.0.1]:9464")]
    [InlineData("--metrics 9464/metrics")]
    [InlineData("--linger")]
    public void An_address_that_is_none_is_refused(string options)
    {
        using TemporaryFolder folder = new();
        CliRun run = CliRun.Of(["replay", "--case", CaseFiles.Load("acl").Directory, "--out", folder["out"], .. options.Split(' ')]);
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.StartsWith($"mergeflow: {options.Split(' ')[0]}", run.ErrorLine, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void An_address_that_is_taken_is_one_line()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        using TemporaryFolder folder = new();
        CliRun run = CliRun.Of("replay", "--case", CaseFiles.Load("acl").Directory, "--out", folder["out"], "--metrics", $"{((IPEndPoint)taken.LocalEndpoint).Port}");
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.StartsWith("mergeflow: --metrics: http://127.0.0.1:", run.ErrorLine, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Theory]
    [InlineData("# TYPE a counter\na_total 1\n")]
    [InlineData("# TYPE a counter\na 1\n# EOF\n")]
    [InlineData("# TYPE a_total counter\na_total 1\n# EOF\n")]
    [InlineData("a_total 1\n# EOF\n")]
    [InlineData("# TYPE a counter\n# UNIT a bytes\na_total 1\n# EOF\n")]
    [InlineData("# TYPE a counter\na_total{b=\"c\"d\"} 1\n# EOF\n")]
    [InlineData("# TYPE a counter\na_total{b=\"c\\d\"} 1\n# EOF\n")]
    [InlineData("# TYPE a counter\na_total{b=\"c\"} 1\na_total{b=\"c\"} 2\n# EOF\n")]
    [InlineData("# TYPE a counter\na_total -1\n# EOF\n")]
    [InlineData("# TYPE a counter\na_total 1,5\n# EOF\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 1\na_count 1\na_sum 1\n# EOF\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1.0\"} 2\na_count 2\na_sum 1\n# EOF\n")]
    public void The_reader_of_these_tests_refuses_what_is_malformed(string text) => Assert.ThrowsAny<Exception>(() => OpenMetricsReader.Read(text));

    /// <summary>The table of docs/telemetry.md, named as OpenMetrics names it.</summary>
    private static IEnumerable<(string Name, string Type)> Documented()
    {
        foreach (System.Text.RegularExpressions.Match row in InstrumentRow().Matches(RepositoryFiles.Read("docs/telemetry.md")))
        {
            string[] names = [.. row.Groups[1].Value.Split(", ").Select(static n => n.Trim('`'))];
            string type = row.Groups[2].Value switch { "level" => "gauge", string other => other };
            foreach (string name in names.Select(n => n[0] == '.' ? names[0][..names[0].LastIndexOf('.')] + n : n))
                yield return (name.Replace('.', '_') + (type == "histogram" ? "_seconds" : ""), type);
        }
    }

    private static (int Code, string Output) TypedPython(string script, string input)
    {
        ProcessStartInfo start = new("/usr/bin/python3", ["-c", script]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process python = Process.Start(start)!;
        python.StandardInput.Write(input);
        python.StandardInput.Close();
        string output = python.StandardOutput.ReadToEnd();
        python.WaitForExit();
        return (python.ExitCode, output);
    }

    private static async Task<string> FirstLine(TcpClient client)
    {
        // Cut off while it was still writing.
        if (!client.Connected) return "";
        try
        {
            using StreamReader reader = new(client.GetStream(), leaveOpen: true);
            return await reader.ReadLineAsync(TestContext.Current.CancellationToken) ?? "";
        }
        catch (IOException)
        {
            return "";
        }
    }

    [GeneratedRegex(@"^\| ((?:`[\w.]+`(?:, )?)+) \| (counter|level|histogram)", RegexOptions.Multiline)]
    private static partial Regex InstrumentRow();

    [GeneratedRegex(@"\bmergeflow_\w+")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"(?:by \(|[{,])(\w+)(?:\)|=)")]
    private static partial Regex LabelName();
}
