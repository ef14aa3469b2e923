using System.IO.Compression;
using System.Text;
using Mergeflow.Cli;
using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Everything wrong that someone has typed or fed in: the command, its exit code, a part of its one line on stderr. Nothing is written, and every file and device is
/// what it was. A new fault of this kind is a new row. <c>M</c> is <c>mergeflow</c>, <c>P</c> is <c>./run-perf.sh</c>; a word that names one of the files below is
/// given its folder.
/// </summary>
public sealed class WrongInputTests
{
    private const string Replay = "M replay --flows flows.txt --ports p1=1,p2=2 --in events.jsonl";
    private const string Show = "M dump-flows --ports p1=1,p2=2";
    private const string Run = "P --scenario s1_uni --seconds 0.02 --runs 1";
    private const int Two = ExitCode.BadInput;
    private const int Usage = ExitCode.Usage;

    public static TheoryData<string, int, string> Rows => new()
    {
        // Outputs that are inputs, each other, or no files.
        { $"{Replay} --out events.jsonl", Usage, "--out and --in are the same file" },
        { $"{Replay} --out flows.txt", Usage, "--out and --flows are the same file" },
        { $"{Replay} --out link-to-flows", Usage, "--out and --flows are the same file" },
        { $"{Replay} --config config.json --out config.json", Usage, "--out and --config are the same file" },
        { "M replay --case case --out case/flows.txt", Usage, "--out and --case are the same file" },
        { "M extract --in events.jsonl --out ./events.jsonl", Usage, "--out and --in are the same file" },
        { $"{Replay} --out EMPTY", Usage, "--out: expected the name of a file" },
        { "M extract --in events.jsonl --out EMPTY", Usage, "--out: expected the name of a file" },
        { $"{Replay} --out case", ExitCode.Failed, "is a directory" },
        { $"{Replay} --out nowhere/x", ExitCode.Failed, "the directory does not exist" },
        { $"{Run} --json r --html r", Usage, "--html and --json are the same file" },
        { $"{Run} --json link-to-flows --html flows.txt", Usage, "--html and --json are the same file" },
        { $"{Run} --json EMPTY --html r", Usage, "--json: expected the name of a file" },
        { $"{Run} --json r --html case", ExitCode.Failed, "--html: " },
        { $"{Run} --json nowhere/x --html r", ExitCode.Failed, "the directory does not exist" },
        { $"{Run} --json results.json --html r --baseline results.json", Usage, "--json and --baseline are the same file" },
        { "P --pcap x.pcap --flows flows.txt --json r --html flows.txt", Usage, "--html and --flows are the same file" },
        { "P --pcap x.pcap --json x.pcap --html r", Usage, "--json and --pcap are the same file" },
        { "P --suite suite.json --json r --html suite.json", Usage, "--html and --suite are the same file" },
        { "P ramp --json r --html r", Usage, "--html and --json are the same file" },
        { "P synth --json r --html r", Usage, "--html and --json are the same file" },
        { "P report results.json --html results.json", Usage, "--html and RESULTS are the same file" },
        { "P report results.json --html EMPTY", Usage, "--html: expected the name of a file" },

        // Numbers.
        { $"P --scenario s1_uni --seconds 0,5", Usage, "--seconds: '0,5' is no number (decimals come after a point)" },
        { $"P --scenario s1_uni --seconds 1e999", Usage, "--seconds: " },
        { $"P --scenario s1_uni --seconds NaN", Usage, "--seconds: " },
        { $"P --scenario s1_uni --runs 1,000", Usage, "--runs: '1,000' is no whole number" },
        { $"P --scenario s1_uni --runs 1.0", Usage, "--runs: '1.0' is no whole number" },
        { $"{Run} --cpu first", Usage, "--cpu: 'first' is no whole number" },
        { $"{Run} --threshold 5,0 --baseline results.json", Usage, "--threshold: '5,0' is no number" },
        { "P compare results.json results.json --threshold 1,5", Usage, "--threshold: '1,5' is no number" },
        { "P ndr --trial 0,5", Usage, "--trial: '0,5' is no number" },
        { $"{Replay} --out o --batch many", Usage, "--batch: 'many' is no whole number from -2147483648 to 2147483647" },
        { $"{Replay} --out o --seed -1", Usage, "--seed: '-1' is no whole number from 0 to 18446744073709551615" },
        { $"{Replay} --out o --port two", Usage, "--port: " },
        { $"{Show} --flows flows.txt --in events.jsonl --until end", Usage, "--until: 'end' is no whole number" },
        { "M trace --flows flows.txt --ports p1=1 --in events.jsonl --event 0x1", Usage, "--event: '0x1' is no whole number" },

        // Inputs that are not there, or folders.
        { $"{Show} --flows flows.txt --in nowhere.pcap", ExitCode.Failed, "nowhere.pcap' does not exist" },
        { $"{Show} --flows nowhere --in events.jsonl", ExitCode.Failed, "nowhere' does not exist" },
        { $"{Show} --flows case --in events.jsonl", ExitCode.Failed, "case' is a directory" },
        { $"{Show} --flows flows.txt --in case", ExitCode.Failed, "case' is a directory" },
        { $"{Show} --flows flows.txt --in events.jsonl --offload nic --faults nowhere", Two, "does not exist" },
        { $"{Show} --flows flows.txt --in events.jsonl --offload nic --faults case", Two, "is a directory" },
        { "P --pcap nowhere.pcap", ExitCode.Failed, "nowhere.pcap' does not exist" },
        { "P --pcap case", ExitCode.Failed, "case' is a directory" },
        { "P hit-share --pcap nowhere.pcap", ExitCode.Failed, "does not exist" },
        { "P --suite nowhere.json", Usage, "does not exist" },
        { "P --suite case", Usage, "is a directory" },
        { "P report nowhere.json --html r", ExitCode.Failed, "does not exist" },
        { "P report case --html r", ExitCode.Failed, "is a directory" },
        { "P compare nowhere.json results.json", ExitCode.Failed, "does not exist" },
        { "P readme-table case", ExitCode.Failed, "is a directory" },
        { $"{Run} --baseline nowhere.json", ExitCode.Failed, "does not exist" },
        { $"{Run} --peer-table case", ExitCode.Failed, "is a directory" },
        { "P peer-table nowhere.tsv", ExitCode.Failed, "does not exist" },

        // Options that would do nothing.
        { $"{Run} --nic-profile tiny", Usage, "--nic-profile needs a row with offload nic" },
        { "P --pcap x.pcap --offload soft --nic-profile tiny", Usage, "--nic-profile needs a row with offload nic" },
        { $"{Run} --threshold 3", Usage, "--threshold needs --baseline" },
        { $"{Run} --fix-checksums", Usage, "--fix-checksums needs --pcap" },
        { $"{Run} --ports 2", Usage, "--ports needs --pcap" },
        { $"{Run} --groups twice.txt", Usage, "--groups needs --pcap" },
        { "P --pcap x.pcap --groups twice.txt", Usage, "--groups needs --flows" },
        { "P --suite suite.json --offload nic", Usage, "--offload: a suite says itself where rules go" },
        { $"{Replay} --out o --profile tiny", Usage, "--profile needs --offload nic" },
        { $"{Replay} --out o --admission always", Usage, "--admission needs --offload" },
        { $"{Replay} --out o --port 1", Usage, "--port: the events name their ports" },

        // Members that are not known.
        { $"{Replay} --config misspelt.json --out o", Two, "unknown member \"tunnelz\"" },
        { $"{Replay} --config bare.json --out o", Two, "unknown member \"tunnelz\"" },
        { $"{Replay} --config half-a-pair.json --out o", Two, "half-a-pair.json line 1: a string is not valid Unicode" },
        { "M dump-flows --case misspelt", Two, "unknown member \"tunnelz\"" },
        { "P --suite misspelt-suite.json", Usage, "colour" },

        // Text as ovs-ofctl refuses it.
        { $"{Show} --flows flows.txt --groups twice.txt --in events.jsonl", Two, "twice.txt line 3: OFPGMFC_GROUP_EXISTS" },
        { "P --pcap x.pcap --flows flows.txt --groups twice.txt", PerfExitCode.BadInput, "line 3: OFPGMFC_GROUP_EXISTS" },
        { $"{Show} --flows meter.txt --in events.jsonl", Two, "meter.txt line 2: OFPMMFC_INVALID_METER" },
        { $"{Show} --flows reply-only-flow.txt --in events.jsonl", Two, "line 2, column" },

        // Files that end too early.
        { $"{Show} --flows flows.txt --in cut.jsonl.gz", Two, "damaged gzip data: it ends too early" },
        { $"{Show} --flows flows.txt --in cut-at-line.jsonl.gz", Two, "damaged gzip data: it ends too early" },
        { $"{Show} --flows cut-flows.gz --in events.jsonl", Two, "damaged gzip data: it ends too early" },
        { "M extract --in cut.jsonl.gz", Two, "damaged gzip data: it ends too early" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void What_is_wrong_is_one_line_and_an_exit_code_and_leaves_nothing(string command, int expectedCode, string expected)
    {
        using TemporaryFolder folder = Files();
        string before = folder.Content();
        (int code, string output, string error) = Type(folder, command);
        Assert.Equal(expectedCode, code);
        if (command[0] == 'M') Assert.Empty(output);
        Assert.Contains(expected, error.Replace("\\\"", "\"", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal(error.Length - 1, error.IndexOf('\n'));
        Assert.DoesNotContain("System.", error, StringComparison.Ordinal);
        Assert.DoesNotContain("internal error", error, StringComparison.Ordinal);
        Assert.Equal(before, folder.Content());
    }

    [Theory]
    [InlineData(Show + " --flows reply.txt --groups reply-groups.txt --in events.jsonl", "priority=7")]
    [InlineData(Show + " --flows flows.txt --config annotated.json --in events.jsonl", "actions=drop")]
    [InlineData(Show + " --flows flows.txt --in several-members.jsonl.gz", "n_packets=2")]
    public void What_only_looks_wrong_is_taken(string command, string expected)
    {
        using TemporaryFolder folder = Files();
        (int code, string output, string error) = Type(folder, command);
        Assert.Equal((ExitCode.Ok, ""), (code, error));
        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    /// <summary>Options that take numbers are made in one place, so that they read them in one way.</summary>
    [Fact]
    public void An_input_with_nothing_in_it_is_said()
    {
        using TemporaryFolder folder = Files();
        folder.Write("nothing.jsonl", "\n");
        (int code, _, string error) = Type(folder, $"{Show} --flows flows.txt --in nothing.jsonl");
        Assert.Equal((ExitCode.Ok, "mergeflow: warning: nothing.jsonl: there is nothing in it\n"), (code, error));
        Assert.Equal((ExitCode.Ok, "mergeflow: warning: tiny.jsonl.gz: there is nothing in it\n"), Type(folder, $"{Show} --flows flows.txt --in tiny.jsonl.gz") is var (gzip, _, said) ? (gzip, said) : default);
        Assert.Equal("", Type(folder, $"{Show} --flows flows.txt --in events.jsonl").Error);
    }

    [Fact]
    public void Every_number_of_the_command_line_is_read_by_one_type()
        => Assert.DoesNotContain(
            RepositoryFiles.Sources("Cli").Concat(RepositoryFiles.Sources("Perf")).Where(f => !f.EndsWith("/NumberOption.cs", StringComparison.Ordinal)),
            f => System.Text.RegularExpressions.Regex.IsMatch(RepositoryFiles.Read(f), @"(?<!Number)(?:Option|Argument)<(?:u?int|u?long|double|float|decimal|byte|u?short)\??>"));

    /// <summary>Whoever reads a new member has to name it, or it would be refused.</summary>
    [Fact]
    public void Every_member_of_config_that_is_read_is_known()
    {
        string source = RepositoryFiles.Read("Cli/Input/CaseConfig.cs");
        string known = source[source.IndexOf("s_members = [", StringComparison.Ordinal)..].Split(']')[0];
        string[] read = [.. System.Text.RegularExpressions.Regex.Matches(source, @"(?:Integer|Flag)\(config, ""(\w+)""").Select(static m => m.Groups[1].Value)];
        Assert.True(read.Length > 5);
        Assert.All(read, m => Assert.Contains($"\"{m}\"", known, StringComparison.Ordinal));
    }

    [Fact]
    public void Descriptors_pipes_devices_and_links_stay_what_they_are()
    {
        using TemporaryFolder folder = Files();
        Assert.Equal((ExitCode.Ok, "", ""), Type(folder, $"{Replay} --out /dev/null"));
        Assert.True(FileKind.IsSpecial("/dev/null"));
        File.CreateSymbolicLink(folder["link"], folder["target"]);
        File.WriteAllText(folder["target"], "old");
        Assert.Equal((ExitCode.Ok, "", ""), Type(folder, $"{Replay} --out link"));
        Assert.NotNull(new FileInfo(folder["link"]).LinkTarget);
        Assert.Contains("final", File.ReadAllText(folder["target"]), StringComparison.Ordinal);

        // The harness writes as the command line does.
        (int code, _, string error) = Type(folder, $"{Run} --json link --html /dev/null");
        Assert.Equal((PerfExitCode.Ok, ""), (code, error));
        Assert.NotNull(new FileInfo(folder["link"]).LinkTarget);
        Assert.Contains("mergeflow-perf-results", File.ReadAllText(folder["target"]), StringComparison.Ordinal);
        Assert.True(FileKind.IsSpecial("/dev/null"));

        string path = folder["through"];
        using (Microsoft.Win32.SafeHandles.SafeFileHandle open = File.OpenHandle(path, FileMode.Create, FileAccess.Write))
        {
            OutputFile.Write($"/proc/self/fd/{open.DangerousGetHandle()}", "first\n");
            OutputFile.Write($"/dev/fd/{open.DangerousGetHandle()}", "second\n");
        }

        Assert.Equal("first\nsecond\n", File.ReadAllText(path));
        Assert.DoesNotContain(folder.Names, n => n.EndsWith(".partial", StringComparison.Ordinal));
    }

    private static (int Code, string Output, string Error) Type(TemporaryFolder folder, string command)
    {
        string[] words = command.Split(' ');
        string[] arguments = [.. words.Skip(1).Select(w => w == "EMPTY" ? "" : IsName(folder, w) ? folder[w] : w)];

        // What says nothing of outputs must not write into the test's own folder.
        if (words[0] == "P" && !arguments.Contains("--json") && words[1] is not ("report" or "compare" or "hit-share" or "peer-table" or "readme-table")) arguments = [.. arguments, "--json", folder["j"], "--html", folder["h"]];
        using StringWriter output = new(), error = new();
        int code = words[0] == "M"
            ? App.Run(arguments, output, error, TestContext.Current.CancellationToken)
            : PerfApp.Run(arguments, output, error, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    private static bool IsName(TemporaryFolder folder, string word)
        => word is "o" or "r" or "link" || word.StartsWith("nowhere", StringComparison.Ordinal) || (!word.Contains('=') && Path.Exists(folder[word]) && word[0] is not ('-' or '/'));

    private static TemporaryFolder Files()
    {
        TemporaryFolder folder = new();
        const string events = """{"i":0,"t":5,"op":"pkt","port":1,"hex":"02000000000102000000000208004500"}""" + "\n";
        folder.Write("flows.txt", "actions=drop\n");
        folder.Write("events.jsonl", events);
        folder.Write("config.json", "{}");
        folder.Write("half-a-pair.json", """{"quirks":"\ud800"}""");
        folder.Write("misspelt.json", """{"ports":{"p1":1},"note":"free","config":{"tunnelz":{}}}""");
        folder.Write("bare.json", """{"ports":{"p1":1},"tunnelz":{}}""");
        folder.Write("annotated.json", """{"ports":{"p1":1},"note":"free","config":{"mtu":1500}}""");
        folder.Write("suite.json", """{"scenarios":[{"name":"s1_uni"}]}""");
        folder.Write("misspelt-suite.json", """{"scenarios":[{"name":"s1_uni","colour":"red"}]}""");
        folder.Write("results.json", ResultsJson.Write(SampleResults.File(SampleResults.Row("first", 30))));
        folder.Write("twice.txt", "group_id=1,type=all,bucket=output:1\n# again\ngroup_id=1,type=all,bucket=output:2\n");
        folder.Write("meter.txt", "priority=1,actions=drop\nip actions=meter:1,output:2\n");
        folder.Write("reply.txt", "NXST_FLOW reply (xid=0x4):\n cookie=0x0, duration=5.1s, table=0, n_packets=0, n_bytes=0, idle_age=5, priority=7 actions=drop\nOFPST_FLOW reply (OF1.3) (xid=0x2): flags=[more]\n");
        folder.Write("reply-groups.txt", "OFPST_GROUP_DESC reply (OF1.5) (xid=0x2):\n group_id=1,type=indirect,bucket=output:2\n");
        folder.Write("reply-only-flow.txt", "OFPST_FLOW reply (OF1.3) (xid=0x2):\nreply=1 actions=drop\n");
        Directory.CreateDirectory(folder["case"]);
        folder.Write("case/case.json", """{"ports":{"p1":1}}""");
        folder.Write("case/flows.txt", "actions=drop\n");
        folder.Write("case/events.jsonl", events);
        Directory.CreateDirectory(folder["misspelt"]);
        folder.Write("misspelt/case.json", """{"ports":{"p1":1},"note":"free","config":{"tunnelz":{}}}""");
        folder.Write("misspelt/flows.txt", "actions=drop\n");
        folder.Write("misspelt/events.jsonl", events);
        File.CreateSymbolicLink(folder["link-to-flows"], folder["flows.txt"]);
        string many = string.Concat(Enumerable.Range(0, 500).Select(i => $$"""{"i":{{i}},"t":{{i * i}},"op":"tick","note":"{{i * 7919L * 104729}}"}""" + "\n"));
        byte[] zipped = Zip(many);
        File.WriteAllBytes(folder["cut.jsonl.gz"], zipped[..(zipped.Length / 2)]);

        // The data ends behind a line, but neither the last block nor the checksum is there.
        File.WriteAllBytes(folder["cut-at-line.jsonl.gz"], FlushedAfter(events));
        File.WriteAllBytes(folder["cut-flows.gz"], Zip("actions=drop\n")[..^4]);
        File.WriteAllBytes(folder["several-members.jsonl.gz"], [.. Zip(events), .. Zip(events.Replace("\"i\":0", "\"i\":1", StringComparison.Ordinal))]);
        File.WriteAllBytes(folder["tiny.jsonl.gz"], Zip("\n"));
        using PcapWriter writer = new(folder["x.pcap"]);
        for (int i = 0; i < 4; i++) writer.Write(FrameBuilder.Build(0x0a000001, 0x0a000002, 1000, 1000), i);
        return folder;
    }

    private static byte[] Zip(string text)
    {
        using MemoryStream bytes = new();
        using (GZipStream gzip = new(bytes, CompressionLevel.Optimal)) gzip.Write(Encoding.UTF8.GetBytes(text));
        return bytes.ToArray();
    }

    private static byte[] FlushedAfter(string text)
    {
        using MemoryStream bytes = new();
        using GZipStream gzip = new(bytes, CompressionLevel.Optimal);
        gzip.Write(Encoding.UTF8.GetBytes(text));
        gzip.Flush();
        return bytes.ToArray();
    }
}
