using System.CommandLine;
using System.Diagnostics;
using Mergeflow.Cli;
using Mergeflow.Native;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// What the documents quote is what the programs print. To write the blocks anew, run these tests with the environment variable <c>UPDATE_DOCS=1</c>.
/// </summary>
public sealed class QuotedOutputTests
{
    private static readonly bool s_update = Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1";

    public static TheoryData<string, string> Outputs => [.. QuotedBlock.All().Where(b => b.Kind == "output").Select(b => (b.File, b.Source))];

    [Fact]
    public void Both_programs_are_quoted()
    {
        IEnumerable<string> sources = QuotedBlock.All().Select(b => b.Source);
        Assert.Contains("mergeflow --help", sources);
        Assert.Contains("./run-perf.sh --help", sources);
    }

    [Theory]
    [MemberData(nameof(Outputs))]
    public void A_quoted_output_is_the_real_one(string file, string command)
    {
        string real = Run(command);
        if (s_update) Rewrite(file, command, real);
        Assert.Equal(real, Assert.Single(QuotedBlock.In(file, RepositoryFiles.Read(file)), b => b.Source == command).Content);
    }

    /// <summary>Figures come from a committed file. As long as none is committed, no document may quote any.</summary>
    [Fact]
    public void Quoted_figures_come_from_committed_results()
    {
        string[] committed = Directory.Exists(Path.Combine(RepositoryFiles.Root, "benchmarks"))
            ? [.. RepositoryFiles.Files("benchmarks", "results.json")]
            : [];
        QuotedBlock[] quoted = [.. QuotedBlock.All().Where(b => b.Kind == "benchmark")];
        foreach (QuotedBlock block in quoted)
        {
            Assert.True(committed.Contains(block.Source), $"{block.File} quotes {block.Source}, which is not there");
            string real = MarkdownTable.Write(ResultsJson.Load(Path.Combine(RepositoryFiles.Root, block.Source)));
            if (s_update) Rewrite(block.File, block.Source, real);
            Assert.Equal(real, Assert.Single(QuotedBlock.In(block.File, RepositoryFiles.Read(block.File)), b => b.Source == block.Source).Content);
        }

        Assert.True(committed.Length == 0 || quoted.Any(b => b.File == "README.md"),
            $"{string.Join(", ", committed)} is committed, but README.md has no block \"<!-- benchmark: FILE -->\" for it (./run-perf.sh readme-table FILE prints its content)");
        if (committed.Length == 0) TestContext.Current.SendDiagnosticMessage("no benchmarks/*/results.json is committed yet: README.md quotes no figures, and none were compared");
    }

    [Fact]
    public void A_false_quote_is_found()
    {
        QuotedBlock block = Assert.Single(QuotedBlock.In("x.md", "a\n<!-- output: mergeflow --help -->\n```\nfalse\n```\nb\n"));
        Assert.Equal(("output", "mergeflow --help", "false\n"), (block.Kind, block.Source, block.Content));
        Assert.NotEqual(Run(block.Source), block.Content);
        Assert.Throws<FormatException>(() => QuotedBlock.In("x.md", "<!-- output: mergeflow --help -->\n```\nno end\n").ToArray());
    }

    [Fact]
    public void The_table_names_every_row_its_peer_and_the_machine()
    {
        ScenarioResult row = SampleResults.Row("s1_uni", 40, 41, 39) with { Peer = new PeerResult("peer 1.0", Spread.Of([20e6]), Spread.Of([100])) };
        string text = MarkdownTable.Write(SampleResults.File(row, SampleResults.Row("s7", 3000)));
        Assert.Contains("| `s1_uni` one flow, port forward | soft | 50.0 | 40.0 | 39.0..41.0 | peer 1.0: 100.0 | 2.5 |\n", text);
        Assert.Contains("| `s7` every packet a new megaflow | soft | 0.67 | 3,000 | 3,000..3,000 | - | - |\n", text);
        Assert.Contains("Sample <CPU> & co, one core, TSC 2.000 GHz", text);
        Assert.Contains("commit 0123456789ab; median of 3 runs.\n", text);
    }

    /// <summary>Assignments in front of a command are its environment; such a command runs in a process of its own.</summary>
    private static string Run(string command)
    {
        if (command.StartsWith($"{ProcessSeed.Variable}=", StringComparison.Ordinal)) return RunApart(command.Split(' '));
        string[] words = command.Split(' ');

        // Documents are read at the root of the tree; tests run elsewhere.
        string[] arguments = [.. words.Skip(1).Select(w => w.Contains('/') && Path.Exists(Path.Combine(RepositoryFiles.Root, w)) ? Path.Combine(RepositoryFiles.Root, w) : w)];
        using StringWriter output = new();
        using StringWriter error = new();
        _ = words[0] switch
        {
            "mergeflow" => App.Run(arguments, output, error, TestContext.Current.CancellationToken),
            "./run-perf.sh" => PerfApp.Run(arguments, output, error, TestContext.Current.CancellationToken),
            _ => throw new FormatException($"\"{command}\" is neither mergeflow nor ./run-perf.sh"),
        };
        string text = output.ToString() + error;

        // The program is named after the file that was started, and here that is the test runner.
        text = text.Replace($"  {RootCommand.ExecutableName} ", $"  {words[0]} ", StringComparison.Ordinal);
        return string.Concat(text.TrimEnd('\n').Split('\n').Select(l => l.TrimEnd() + "\n"));
    }

    private static string RunApart(string[] words)
    {
        Assert.Equal("mergeflow", words[1]);
        string[] assignment = words[0].Split('=');
        ProcessStartInfo start = new("dotnet", [Path.ChangeExtension(typeof(App).Assembly.Location, ".dll"), .. words.Skip(2)]) { WorkingDirectory = RepositoryFiles.Root, RedirectStandardOutput = true };
        start.Environment[assignment[0]] = assignment[1];
        using Process process = Process.Start(start)!;
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return text;
    }

    private static void Rewrite(string file, string source, string content)
    {
        string path = Path.Combine(RepositoryFiles.Root, file);
        List<string> lines = [.. File.ReadAllText(path).Split('\n')];
        QuotedBlock block = Assert.Single(QuotedBlock.In(file, File.ReadAllText(path)), b => b.Source == source);
        lines.RemoveRange(block.From, block.To - block.From);
        lines.InsertRange(block.From, content.TrimEnd('\n').Split('\n'));
        File.WriteAllText(path, string.Join('\n', lines));
    }
}
