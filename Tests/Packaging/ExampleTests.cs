using System.CommandLine;
using Mergeflow.Cli;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Every help ends with commands to type, and what it shows runs.</summary>
public sealed class ExampleTests
{
    private const int MostExamples = 3;

    /// <summary>Commands that need devices, or a switch that runs.</summary>
    private static readonly string[] s_live = ["switch", "ports", "dump-macs", "dump-program", "add-flows", "del-flows", "add-groups", "add-meters", "mod-port", "flush-conntrack", "top", "tcpdump", "record"];

    public static TheoryData<string> Commands => [.. HelpPages().Select(static p => p.Command)];

    public static TheoryData<string> Examples => [.. HelpPages().SelectMany(static p => p.Examples)];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Every_help_shows_one_to_three_examples_of_its_command(string command)
    {
        string[] examples = HelpPages().Single(p => p.Command == command).Examples;
        Assert.InRange(examples.Length, 1, MostExamples);
        if (!command.EndsWith(' ')) Assert.All(examples, e => Assert.Contains(command, e, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_runs(string example)
    {
        using TemporaryFolder folder = TypedCommand.Folder();
        if (example.Split(' ') is [_, "vswitchd", .. string[] arguments])
        {
            // It would wait for a database: it comes up, and is told to end at once.
            Environment.SetEnvironmentVariable("OVS_RUNDIR", Path.GetDirectoryName(folder["x"]));
            Environment.SetEnvironmentVariable("OVS_LOGDIR", Path.GetDirectoryName(folder["x"]));
            using StringWriter console = new();
            Assert.Equal(ExitCode.Ok, App.Run(["vswitchd", .. arguments], TextWriter.Null, console, new CancellationToken(canceled: true)));
            Assert.DoesNotContain("warning", console.ToString(), StringComparison.Ordinal);
            return;
        }

        (int code, string output, string error) = TypedCommand.Run(folder, example);
        if (example.Contains("--live", StringComparison.Ordinal) || s_live.Contains(example.Split(' ')[1]))
        {
            // There is none: it is understood, and says so.
            Assert.Equal(ExitCode.Failed, code);
            Assert.DoesNotContain("internal error", error, StringComparison.Ordinal);
            return;
        }

        // Noise is an answer to a comparison; notes and progress are no errors.
        bool isComparison = example.Contains("--baseline", StringComparison.Ordinal) || example.Contains(" compare ", StringComparison.Ordinal);
        Assert.True(code == 0 || (isComparison && code is PerfExitCode.Failed or PerfExitCode.TooNoisy), $"exit code {code}: {error}");
        Assert.NotEqual("", output + string.Concat(folder.Names.Where(static n => n.StartsWith("out.jsonl", StringComparison.Ordinal))));
        Assert.DoesNotContain("warning", error, StringComparison.Ordinal);
        Assert.DoesNotContain("internal error", error, StringComparison.Ordinal);
    }

    /// <summary>The programs name their commands; each has a help.</summary>
    private static IEnumerable<(string Command, string[] Examples)> HelpPages()
        => Pages("mergeflow", static args => Run(args, App.Run)).Concat(Pages("./run-perf.sh", static args => Run(args, PerfApp.Run)));

    private static IEnumerable<(string Command, string[] Examples)> Pages(string program, Func<string[], string> help)
    {
        Queue<string[]> open = new([[]]);
        while (open.TryDequeue(out string[]? path))
        {
            string[] lines = help([.. path, "--help"]).Split('\n');
            yield return ($"{program} {string.Join(' ', path)}", [.. Section(lines, "Examples:")]);
            foreach (string name in Section(lines, "Commands:").Select(static l => l.Split(' ')[0])) open.Enqueue([.. path, name]);
        }
    }

    private static IEnumerable<string> Section(string[] lines, string title)
        => lines.SkipWhile(l => l != title).Skip(1).TakeWhile(static l => l.StartsWith("  ", StringComparison.Ordinal)).Where(static l => l[2] != ' ').Select(static l => l.Trim());

    private static string Run(string[] args, Func<string[], TextWriter, TextWriter, CancellationToken, int> program)
    {
        using StringWriter output = new();
        Assert.Equal(0, program(args, output, TextWriter.Null, TestContext.Current.CancellationToken));
        return output.ToString();
    }
}
