using System.Globalization;
using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>The last line of a replay's output: rule counters (summed over rules of one cookie), offload totals and connections, settled.</summary>
internal static class FinalLine
{
    public static void Write(SimulatorReport report, DatapathOptions options, Stream output)
    {
        using (Utf8JsonWriter json = new(output))
        {
            json.WriteStartObject();
            json.WriteStartObject("final");
            json.WriteStartObject("rules");
            foreach (IGrouping<ulong, OfRule> rules in report.Rules.GroupBy(r => r.Cookie).OrderBy(g => g.Key))
            {
                json.WriteStartObject(Cookie.Format(rules.Key));
                json.WriteNumber("n_packets", rules.Aggregate(0UL, (sum, r) => sum + r.Packets));
                json.WriteNumber("n_bytes", rules.Aggregate(0UL, (sum, r) => sum + r.Bytes));
                json.WriteEndObject();
            }
            json.WriteEndObject();
            if (report.Meters.Count > 0) WriteMeters(json, report.Meters);
            json.WriteNumber("n_megaflows", report.MegaflowCount);
            json.WriteNumber("n_offloaded", report.Offloaded);
            json.WriteNumber("offload_hits", report.OffloadHits);
            json.WriteStartArray("conntrack");
            foreach (ConnInfo connection in report.Connections)
            {
                json.WriteStartObject();
                WriteMembers(json, connection);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteStartObject("datapath");
            json.WriteString("quirks", options.Quirks.Name);
            json.WriteNumber("pmds", options.PmdCount);
            json.WriteNumber("emc_entries", options.CacheOn ? options.EmcEntryCount : 0);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }
        output.WriteByte((byte)'\n');
    }

    /// <summary>Per meter what came, and per band what it dropped.</summary>
    private static void WriteMeters(Utf8JsonWriter json, IReadOnlyList<(OfMeterState Meter, BookTotals Taken, BookTotals[] Bands)> meters)
    {
        json.WriteStartObject("meters");
        foreach ((OfMeterState meter, BookTotals taken, BookTotals[] bands) in meters)
        {
            json.WriteStartObject(meter.Mod.MeterId.ToString(CultureInfo.InvariantCulture));
            WriteTotals(json, taken);
            json.WriteStartArray("bands");
            foreach (BookTotals band in bands)
            {
                json.WriteStartObject();
                WriteTotals(json, band);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteTotals(Utf8JsonWriter json, BookTotals totals)
    {
        json.WriteNumber("n_packets", totals.Packets);
        json.WriteNumber("n_bytes", totals.Bytes);
    }

    /// <summary>The members of a connection. Values are strings, and what is zero is left out, as in Open vSwitch's own dump.</summary>
    public static void WriteMembers(Utf8JsonWriter json, ConnInfo connection)
    {
        json.WriteString("proto", ConnectionText.Proto(connection.Proto));
        if (connection.Zone != 0) json.WriteString("zone", ConnectionText.Number(connection.Zone));
        if (connection.Mark != 0) json.WriteString("mark", ConnectionText.Number(connection.Mark));
        if (!connection.Label.IsZero) json.WriteString("labels", ConnectionText.Label(connection.Label));
        if (connection.State is string state) json.WriteString("state", state);
        json.WriteString("timeout", ConnectionText.Number(connection.TimeoutSeconds));
        if (connection.Helper is string helper) json.WriteString("helper", helper);
        WriteTuple(json, "orig", connection.Orig);
        WriteTuple(json, "reply", connection.Reply);
    }

    private static void WriteTuple(Utf8JsonWriter json, string name, ConnTuple tuple)
    {
        json.WriteStartObject(name);
        foreach ((string part, string value) in ConnectionText.Parts(tuple)) json.WriteString(part, value);
        json.WriteEndObject();
    }
}
