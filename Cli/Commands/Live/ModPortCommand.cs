using System.CommandLine;
using System.Globalization;
using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary><c>mod-port PORT up|down</c>: takes a port of a running switch out of use, or back, as <c>ovs-ofctl mod-port</c> does.</summary>
internal static class ModPortCommand
{
    public static Command Create()
    {
        Argument<string> port = new("PORT") { Description = "Name or OpenFlow number." };
        Argument<string> state = new("STATE") { Description = "up or down." };
        state.AcceptOnlyFromAmong("up", "down");
        return LiveCommand.Create(
            "mod-port",
            "Take a port of a running switch out of use, or back.",
            (inside, parsed) =>
            {
                inside.Switch.Watch!.SetUp(Find(inside.Switch, parsed.GetRequiredValue(port)), parsed.GetValue(state) == "up");
                return ExitCode.Ok;
            },
            [port, state]);
    }

    /// <summary>A port by its name or number.</summary>
    /// <exception cref="CommandFailedException">There is none.</exception>
    public static WatchedPort Find(RunningSwitch running, string text)
    {
        bool isNumber = uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint number);
        return running.Watch!.Ports.FirstOrDefault(p => p.Name == text || (isNumber && p.Number == number))
            ?? throw new CommandFailedException(ExitCode.NotSeen, $"the switch has no port '{text}'");
    }
}
