using System.CommandLine;

namespace Mergeflow.Perf;

/// <summary>Options that say where results go.</summary>
internal sealed class OutputOptions
{
    private readonly Option<string> _json = new("--json") { HelpName = "FILE", Description = "Where the results go.", DefaultValueFactory = _ => "results.json" };
    private readonly Option<string> _html = new("--html") { HelpName = "FILE", Description = "Where the report goes.", DefaultValueFactory = _ => "report.html" };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_json);
        command.Options.Add(_html);
    }

    /// <summary>A report that goes there.</summary>
    public RunReport Report(ParseResult parsed, TextWriter output, IReadOnlyList<string> arguments, CancellationToken interrupted)
        => new(output, interrupted, arguments, parsed.GetRequiredValue(_json), parsed.GetRequiredValue(_html));
}
