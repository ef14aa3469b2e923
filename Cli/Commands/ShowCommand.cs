using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary>What the commands have in common that replay first and then show a part of the settled switch.</summary>
internal static class ShowCommand
{
    /// <param name="name">The command.</param>
    /// <param name="description">One sentence for <c>--help</c>.</param>
    /// <param name="interrupted">Ends the replay.</param>
    /// <param name="show">Prints; the options it needs beyond the common ones are in <paramref name="options"/>.</param>
    /// <param name="options">Further options of this command.</param>
    public static Command Create(string name, string description, CancellationToken interrupted, Action<ShowContext> show, params Option[] options)
        => Create(
            name,
            description,
            interrupted,
            context =>
            {
                show(context);
                return ExitCode.Ok;
            },
            options);

    /// <summary>The same where the exit code depends on what there was to show.</summary>
    public static Command Create(string name, string description, CancellationToken interrupted, Func<ShowContext, int> show, params Option[] options)
    {
        ReplayInputOptions inputs = new();
        OptionalNumberOption<long> until = new("--until") { HelpName = "I", Description = "Stop after the event with this number; default: all events." };
        Option<bool> json = new("--json") { Description = "One JSON object per line, for programs." };
        Command command = new(name, description);
        inputs.AddTo(command);
        command.Options.Add(until);
        command.Options.Add(json);
        foreach (Option option in options) command.Options.Add(option);
        command.SetAction(parsed =>
        {
            using ReplaySession session = new(inputs.Resolve(parsed) with { LogsFates = true }, Stream.Null);
            bool found = false;
            while (!found && session.Step())
            {
                interrupted.ThrowIfCancellationRequested();
                found = session.Event.Index == parsed.GetValue(until);
            }
            if (!found && parsed.GetValue(until) is long index)
                throw new CommandFailedException(ExitCode.Failed, $"--until: there is no event {index}");
            SimulatorReport report = session.Finish();
            int code = show(new ShowContext(parsed, session, report, parsed.InvocationConfiguration.Output, parsed.GetValue(json)));
            return ExitCode.Of(report) is int failed and not ExitCode.Ok ? failed : code;
        });
        return command;
    }
}
