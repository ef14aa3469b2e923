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
        command.Options.Add(output);
        command.SetAction(parsed =>
        {
            OutputTargets.Check(parsed, output);
            ReplayArguments arguments = inputs.Resolve(parsed);
            using OutputFile file = OutputFile.Create(parsed.GetRequiredValue(output));
            SimulatorReport report = ReplaySession.Run(arguments, file.Stream, interrupted);
            file.Commit();
            return ExitCode.Of(report);
        });
        return command;
    }
}
