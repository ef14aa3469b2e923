using System.Globalization;
using System.Text.Json;

namespace Mergeflow.Tests;

/// <summary>Select groups: one bucket per packet, the same for the same flow, none of weight 0, shares near the weights.</summary>
internal static partial class ConformanceJudge
{
    private static List<string> GroupAffinity(ConformanceCase @case, ReplayedOutput got)
    {
        List<string> faults = [];
        JsonElement checks = @case.Json.GetProperty("groups_check");
        Dictionary<string, uint> chosen = [];
        Dictionary<(string InPort, uint OutPort), int> share = [];
        foreach (CaseEvent e in @case.Events)
        {
            string inPort = e.Port.ToString(CultureInfo.InvariantCulture);
            JsonElement check = checks.GetProperty(inPort);
            if (!got.Events.TryGetValue(e.Index, out List<(uint Port, string Hex)>? outputs) || outputs.Count != 1)
            {
                faults.Add($"event {e.Index}: {outputs?.Count ?? 0} outputs, expected exactly 1");
                continue;
            }
            SimplePacket packet = new(e.Hex);
            string flow = $"{e.Port} {string.Join(" ", check.GetProperty("key").EnumerateArray().Select(packet.FieldText))}";
            uint port = outputs[0].Port;
            if (Weight(check, port) == 0) faults.Add($"event {e.Index}: bucket {port} has weight 0 or is none");
            if (chosen.TryAdd(flow, port)) share[(inPort, port)] = share.GetValueOrDefault((inPort, port)) + 1;
            else if (chosen[flow] != port) faults.Add($"event {e.Index}: flow moved from {chosen[flow]} to {port}");
        }
        foreach (JsonProperty check in checks.EnumerateObject()) faults.AddRange(Shares(check, share));
        return faults;
    }

    private static IEnumerable<string> Shares(JsonProperty check, Dictionary<(string InPort, uint OutPort), int> share)
    {
        double flows = share.Where(s => s.Key.InPort == check.Name).Sum(s => s.Value);
        double weights = check.Value.GetProperty("weights").EnumerateObject().Sum(w => w.Value.GetDouble());
        foreach (JsonProperty bucket in check.Value.GetProperty("weights").EnumerateObject())
        {
            double part = bucket.Value.GetDouble() / weights;
            int have = share.GetValueOrDefault((check.Name, uint.Parse(bucket.Name, CultureInfo.InvariantCulture)));
            double deviation = Math.Sqrt(flows * part * (1 - part));

            // dp_hash quantises weights onto 16..256 slots: be generous.
            if (Math.Abs(have - (flows * part)) > (5 * deviation) + (.1 * flows))
                yield return $"group on port {check.Name} bucket {bucket.Name}: {have} of {flows} flows, weight says {flows * part:F0}";
        }
    }

    private static double Weight(JsonElement check, uint port) =>
        check.GetProperty("weights").TryGetProperty(port.ToString(CultureInfo.InvariantCulture), out JsonElement weight) ? weight.GetDouble() : 0;
}
