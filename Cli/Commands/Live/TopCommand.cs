using System.CommandLine;
using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary><c>top</c>: what a running switch does, again and again: tables on a terminal, a line each time elsewhere.</summary>
internal static class TopCommand
{
    /// <summary>Cursor to the corner, and nothing below it (ECMA-48).</summary>
    private const string Home = "\u001b[H\u001b[J";

    private const double MsPerSecond = 1000;

    public static Command Create(CancellationToken interrupted)
    {
        NumberOption<double> interval = new("--interval") { HelpName = "SECONDS", Description = "Time between two looks.", DefaultValueFactory = _ => 1 };
        OptionalNumberOption<int> count = new("--count") { HelpName = "N", Description = "End after N looks; default: go on until a signal." };
        LiveOption live = new(isImplied: true);
        Command command = new("top", "Watch a running switch: ports, tiers, threads, rules, drops.");
        foreach (Option option in new Option[] { interval, count, live }) command.Options.Add(option);
        command.SetAction(parsed =>
        {
            if (LiveInvocation.Of(parsed) is { } inside)
            {
                ShowContext.WriteJson(inside.Output, json => LiveSnapshot.Write(json, inside.Switch));
                return ExitCode.Ok;
            }

            double seconds = parsed.GetValue(interval);
            if (seconds is < 0.05 or > 3600) CommandFailedException.ThrowUsage("--interval: expected 0.05 to 3600");
            if (parsed.GetValue(count) < 1) CommandFailedException.ThrowUsage("--count: expected at least 1");
            return Watch(live.SocketOf(parsed)!, TimeSpan.FromMilliseconds(seconds * MsPerSecond), parsed.GetValue(count) ?? int.MaxValue, parsed.InvocationConfiguration.Output, interrupted);
        });
        return command;
    }

    private static int Watch(string socket, TimeSpan interval, int count, TextWriter output, CancellationToken interrupted)
    {
        using UnixctlClient client = new(socket);
        bool isTerminal = TextTable.ConsoleOn(output).Profile.Capabilities.Interactive;
        LiveSnapshot before = Ask(client);
        for (int i = 0; i < count && !interrupted.WaitHandle.WaitOne(interval); i++)
        {
            LiveSnapshot now = Ask(client);
            TopScreen screen = new(before, now);
            if (isTerminal)
            {
                output.Write(Home);
                screen.Write(output);
            }
            else
            {
                output.WriteLine(screen.Line());
            }

            output.Flush();
            before = now;
        }

        return ExitCode.Ok;
    }

    private static LiveSnapshot Ask(UnixctlClient client) => LiveSnapshot.Read(LiveClient.Ask(client, ["top"]).Output);
}
