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
        LiveOption live = new();
        Command command = new(name, description);
        inputs.AddTo(command);
        command.Options.Add(until);
        command.Options.Add(json);
        command.Options.Add(live);
        foreach (Option option in options) command.Options.Add(option);
        command.SetAction(parsed =>
        {
            if (LiveInvocation.Of(parsed) is { } inside) return show(ShowContext.Of(inside, parsed, parsed.GetValue(json)));
            if (live.SocketOf(parsed) is string socket)
            {
                inputs.RefuseBeside(parsed, LiveOption.OptionName);
                if (parsed.GetResult(until) is not null) CommandFailedException.ThrowUsage($"{LiveOption.OptionName} and {until.Name} exclude each other");
                return LiveClient.Run(parsed, socket);
            }

            using ReplaySession session = new(inputs.Resolve(parsed) with { LogsFates = true }, Stream.Null);
            bool found = false;
            while (!found && session.Step())
            {
                interrupted.ThrowIfCancellationRequested();
                found = session.Event.Index == parsed.GetValue(until);
            }
            if (!found && parsed.GetValue(until) is long index)
                throw new CommandFailedException(ExitCode.Failed, $"--until: there is no event {index}");
            ShowContext context = ShowContext.Of(parsed, session, parsed.GetValue(json));
            int code = show(context);
            return ExitCode.Of(context.Report) is int failed and not ExitCode.Ok ? failed : code;
        });
        return command;
    }
}
