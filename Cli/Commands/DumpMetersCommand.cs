using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow dump-meters</c>: the meters after a replay, as <c>ovs-ofctl dump-meters</c> prints them.</summary>
internal static class DumpMetersCommand
{
    public static Command Create(CancellationToken interrupted) =>
        ShowCommand.Create("dump-meters", "Replay, then print the meters.", interrupted, Show);

    private static void Show(ShowContext context)
    {
        string separator = "";
        foreach ((OfMeterState meter, _, _) in context.Report.Meters)
        {
            string text = FlowTextFormatter.FormatWithoutCommand(meter.Mod);
            if (context.IsJson)
            {
                context.WriteJson(json =>
                {
                    json.WriteNumber("meter", meter.Mod.MeterId);
                    json.WriteString("config", text.Replace('\n', ' '));
                });
                continue;
            }

            context.Output.WriteLine(separator + text);
            separator = "\n";
        }
    }
}
