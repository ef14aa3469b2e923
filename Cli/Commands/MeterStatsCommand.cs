using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow meter-stats</c>: the counters of the meters after a replay, as <c>ovs-ofctl meter-stats</c> prints them.</summary>
internal static class MeterStatsCommand
{
    public static Command Create(CancellationToken interrupted) =>
        ShowCommand.Create("meter-stats", "Replay, then print the counters of the meters.", interrupted, Show);

    private static void Show(ShowContext context)
    {
        string separator = "";
        foreach ((OfMeterState meter, BookTotals taken, BookTotals[] bands) in context.Report.Meters)
        {
            int flowCount = context.Datapath.Pipeline.RulesOfMeter(meter.Mod.MeterId);
            if (context.IsJson)
            {
                context.WriteJson(json =>
                {
                    json.WriteNumber("meter", meter.Mod.MeterId);
                    json.WriteNumber("flow_count", flowCount);
                    json.WriteNumber("packet_in_count", taken.Packets);
                    json.WriteNumber("byte_in_count", taken.Bytes);
                    json.WriteNumber("duration_ms", context.NowMs - meter.CreatedMs);
                    json.WriteStartArray("bands");
                    foreach (BookTotals band in bands)
                    {
                        json.WriteStartObject();
                        json.WriteNumber("packet_count", band.Packets);
                        json.WriteNumber("byte_count", band.Bytes);
                        json.WriteEndObject();
                    }
                    json.WriteEndArray();
                });
                continue;
            }

            context.Output.WriteLine(separator + FlowTextFormatter.FormatStats(meter, flowCount, taken, bands, context.NowMs));
            separator = "\n";
        }
    }
}
