using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary><c>flush-conntrack [ZONE]</c>: forget connections of a running switch, as <c>ovs-appctl dpctl/flush-conntrack</c> does.</summary>
internal static class FlushConntrackCommand
{
    public static Command Create()
    {
        Argument<string?> zone = new("ZONE") { Description = "Only those of this zone; without it all.", Arity = ArgumentArity.ZeroOrOne };
        return LiveCommand.Create(
            "flush-conntrack",
            "Forget the connections of a running switch.",
            (inside, parsed) =>
            {
                ushort? only = null;
                if (parsed.GetValue(zone) is string text)
                {
                    if (!ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number)) CommandFailedException.ThrowUsage($"ZONE: '{text}' is no number from 0 to 65535");
                    only = number;
                }

                inside.Switch.Note(inside.Switch.Datapath.FlushConntrack(only, inside.Switch.NowMs));
                inside.Switch.Log.Write($"connections forgotten{(only is ushort z ? string.Create(CultureInfo.InvariantCulture, $" in zone {z}") : "")}");
                return ExitCode.Ok;
            },
            [zone]);
    }
}
