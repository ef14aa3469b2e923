using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary>The options that serve metrics; every command that replays has them.</summary>
internal static class MetricsOptions
{
    private const string Address = "--metrics";
    private const string Lingering = "--linger";

    /// <summary>Adds the options to a command.</summary>
    public static void AddTo(Command command)
    {
        command.Options.Add(new Option<string?>(Address) { HelpName = MetricsAddress.Syntax, Description = "Serve metrics as OpenMetrics text while the command runs, at http://ADDRESS:PORT/metrics; without an address on loopback only." });
        command.Options.Add(new Option<bool>(Lingering) { Description = "Serve the last values after the command's work, until a signal ends the program." });
    }

    /// <summary>Runs a command, with metrics if it was asked to.</summary>
    public static int Run(ParseResult parsed, TextWriter error, Func<int> command, CancellationToken interrupted)
    {
        string? text = parsed.GetResult(Address) is null ? null : parsed.GetValue<string?>(Address);
        bool lingers = parsed.GetResult(Lingering) is { } && parsed.GetValue<bool>(Lingering);
        if (text is null)
        {
            if (lingers) CommandFailedException.ThrowUsage($"{Lingering} needs {Address}");
            return command();
        }

        // They are those of this process, which does nothing where another one is asked.
        if (LiveOption.Of(parsed.CommandResult.Command)?.SocketOf(parsed) is not null) CommandFailedException.ThrowUsage($"{LiveOption.OptionName} and {Address} exclude each other");
        MetricsAddress address = MetricsAddress.Parse(text);
        using MetricsServer server = new(address);
        error.WriteLine($"mergeflow: note: metrics at {address.Url}");
        int code = command();
        if (lingers) interrupted.WaitHandle.WaitOne();
        return code;
    }
}
