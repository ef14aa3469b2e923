using System.CommandLine;

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

    /// <summary>A report that goes there.</summary>
    public RunReport Report(ParseResult parsed, TextWriter output, IReadOnlyList<string> arguments, CancellationToken interrupted)
    {
        (string json, string html) = (parsed.GetRequiredValue(_json), parsed.GetRequiredValue(_html));
        CheckFolder(_json.Name, json);
        CheckFolder(_html.Name, html);
        return new RunReport(output, interrupted, arguments, json, html) { ShowsPmds = parsed.GetValue(_perfShow) };
    }

    /// <summary>Now, not after minutes of measuring.</summary>
    /// <exception cref="PerfException">The folder is not there.</exception>
    private static void CheckFolder(string option, string path)
    {
        if (Directory.Exists(path)) throw PerfException.Failed($"{option}: {path} is a directory");
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? path;
        if (!Directory.Exists(folder)) throw PerfException.Failed($"{option}: there is no directory {folder}");
    }
}
