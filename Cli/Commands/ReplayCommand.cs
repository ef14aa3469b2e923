using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow replay</c>: runs events or a capture through the switch and writes what left, per event, and the final state.</summary>
internal static class ReplayCommand
{
    public static Command Create(CancellationToken interrupted)
    {
        ReplayInputOptions inputs = new();
        Option<string> output = new("--out") { Required = true, HelpName = "FILE", Description = "Output, JSON lines; compressed when it ends in .gz; - is standard output." };
        Command command = new("replay", "Run events through the switch; write what left per event and the final state.");
        inputs.AddTo(command);
        Option<string?> pcapOut = new("--pcap-out") { HelpName = "DIR", Description = "Write what left each port to DIR/PORT.pcap, too, with the time stamps of what came in." };
        command.Options.Add(output);
        command.Options.Add(pcapOut);
        command.SetAction(parsed =>
        {
            OutputTargets.Check(parsed, output);
            ReplayArguments arguments = inputs.Resolve(parsed);
            string? folder = parsed.GetValue(pcapOut);
            if (folder is { Length: 0 }) CommandFailedException.ThrowUsage("--pcap-out: expected the name of a folder");
            if (folder is not null) OutputTargets.Check(parsed, output, [.. arguments.Ports.Select(p => ("--pcap-out", PortCaptures.PathOf(folder, p.Name)))]);
            using OutputFile file = OutputFile.Create(parsed.GetRequiredValue(output));
            using PortCaptures? captures = folder is null ? null : PortCaptures.Create(folder, arguments.Ports);
            SimulatorReport report = ReplaySession.Run(arguments, file.Stream, interrupted, captures: captures);
            captures?.Commit();
            file.Commit();
            return ExitCode.Of(report);
        });
        return command;
    }
}
