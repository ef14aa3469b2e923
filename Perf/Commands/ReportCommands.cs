using System.CommandLine;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>Commands that measure nothing: <c>report</c>, <c>readme-table</c> and <c>peer-table</c>.</summary>
internal static class ReportCommands
{
    /// <summary>The commands.</summary>
    public static IEnumerable<Command> Create(TextWriter output) => [Report(output), Table(output), Turns(output)];

    private static Command Report(TextWriter output)
    {
        Argument<string[]> files = new("RESULTS") { Description = "results.json files; the first one says where and when.", Arity = ArgumentArity.OneOrMore };
        Option<string> html = new("--html") { HelpName = "FILE", Description = "Where the report goes.", DefaultValueFactory = _ => "report.html" };
        Command command = new("report", "Write one report of several results files.") { files };
        command.Options.Add(html);
        command.SetAction(parsed =>
        {
            OutputTargets.Check(parsed, html);
            ResultsFile all = ResultsFile.Join([.. parsed.GetRequiredValue(files).Select(f => (f, ResultsJson.Load(f)))]);
            string path = parsed.GetRequiredValue(html);
            OutputFile.Write(path, HtmlReport.Write(all, null));
            output.WriteLine($"written  {path}");
            return PerfExitCode.Ok;
        });
        return command;
    }

    private static Command Turns(TextWriter output)
    {
        Argument<string> file = new("TSV") { Description = "Table of a driver that measured Open vSwitch and this program in turn." };
        Command command = new("peer-table", "Print what a driver measured that ran Open vSwitch and ob-peer in turn.") { file };
        command.SetAction(parsed =>
        {
            TurnTable.Print(parsed.GetRequiredValue(file), output);
            return PerfExitCode.Ok;
        });
        return command;
    }

    private static Command Table(TextWriter output)
    {
        Argument<string> file = new("RESULTS") { Description = "A results.json file." };
        Command command = new("readme-table", "Print a results file as the Markdown table that README.md quotes.") { file };
        command.SetAction(parsed =>
        {
            output.Write(MarkdownTable.Write(ResultsJson.Load(parsed.GetRequiredValue(file))));
            return PerfExitCode.Ok;
        });
        return command;
    }
}
