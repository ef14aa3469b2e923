using System.CommandLine;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>Options that say where results go.</summary>
internal sealed class OutputOptions
{
    private readonly Option<string> _json = new("--json") { HelpName = "FILE", Description = "Where the results go.", DefaultValueFactory = _ => "results.json" };
    private readonly Option<string> _html = new("--html") { HelpName = "FILE", Description = "Where the report goes.", DefaultValueFactory = _ => "report.html" };

    private readonly Option<bool> _perfShow = new("--pmd-perf-show") { Description = "Print per row what ovs-appctl dpif-netdev/pmd-perf-show would." };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_json);
        command.Options.Add(_html);
        command.Options.Add(_perfShow);
    }

    /// <summary>A report that goes there. Whether it can is found out now, not after minutes of measuring.</summary>
    /// <exception cref="CommandFailedException">A file has two roles.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public RunReport Report(ParseResult parsed, TextWriter output, IReadOnlyList<string> arguments, CancellationToken interrupted)
    {
        OutputTargets.Check(parsed, _json, _html);
        return new RunReport(output, interrupted, arguments, parsed.GetRequiredValue(_json), parsed.GetRequiredValue(_html)) { ShowsPmds = parsed.GetValue(_perfShow) };
    }
}
