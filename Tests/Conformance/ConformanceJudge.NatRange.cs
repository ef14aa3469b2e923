using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Mergeflow.Tests;

/// <summary>NAT ranges: mappings in range, stable per connection, never shared, replies translated back.</summary>
internal static partial class ConformanceJudge
{
    private static List<string> NatRange(ConformanceCase @case, ReplayedOutput got)
    {
        List<string> faults = [];
        Dictionary<string, string> mapping = [], owner = [];
        foreach (CaseEvent e in @case.Events)
        {
            List<(uint Port, string Hex)> outputs = got.Events.GetValueOrDefault(e.Index) ?? [];
            if (e.Expect is not null)
            {
                if (!outputs.SequenceEqual(e.Expect)) faults.Add($"event {e.Index} (reply): expected {Show(e.Expect)} got {Show(outputs)}");
                continue;
            }
            JsonElement check = @case.Json.GetProperty("nat_check").GetProperty(e.Port.ToString(CultureInfo.InvariantCulture));
            if (outputs.Count != 1 || outputs[0].Port != check.GetProperty("out").GetUInt32())
            {
                faults.Add($"event {e.Index}: expected one packet on port {check.GetProperty("out")}, got {Show(outputs)}");
                continue;
            }
            SimplePacket before = new(e.Hex), after = new(outputs[0].Hex);
            if (after.WrongChecksums() is { Count: > 0 } wrong) faults.Add($"event {e.Index}: wrong checksum {string.Join(" ", wrong)}");
            bool isSource = check.GetProperty("type").GetString() == "src";
            string address = isSource ? after.NwSrc : after.NwDst;
            int port = isSource ? after.SrcPort : after.DstPort;
            if (!IsBetween(check.GetProperty("addr"), address)) faults.Add($"event {e.Index}: address {address} outside the range");
            if (check.TryGetProperty("port", out JsonElement range) && (port < range[0].GetInt32() || port > range[1].GetInt32()))
                faults.Add($"event {e.Index}: port {port} outside the range");
            string connection = Tuple(e.Port, before), translated = Tuple(e.Port, after);
            if (!mapping.TryAdd(connection, translated) && mapping[connection] != translated)
                faults.Add($"event {e.Index}: mapping changed {mapping[connection]} -> {translated}");
            if (!owner.TryAdd(translated, connection) && owner[translated] != connection)
                faults.Add($"event {e.Index}: tuple {translated} shared by {owner[translated]} and {connection}");
        }
        return faults;
    }

    /// <summary>
    /// The events of a follow-up case: the old ones, then one reply per connection to the mapping that <paramref name="got"/> chose,
    /// as event lines for the switch. What must come back stands in <c>expect</c>.
    /// </summary>
    public static IEnumerable<string> FollowUpEvents(ConformanceCase @case, ReplayedOutput got)
    {
        HashSet<string> done = [];
        List<string> replies = [];
        long timeMs = @case.Events[^1].TimeMs;
        foreach (CaseEvent e in @case.Events)
        {
            yield return $$"""{"i":{{e.Index}},"t":{{e.TimeMs}},"op":"{{e.Op}}","port":{{e.Port}},"hex":"{{e.Hex}}"}""";
            if (got.Events.GetValueOrDefault(e.Index) is not [var (port, hex), ..]) continue;
            SimplePacket before = new(e.Hex), after = new(hex);
            if (!done.Add(Tuple(0, after))) continue;
            string reply = SimplePacket.BuildUdp(after.EthSrc, after.EthDst, after.NwDst, after.NwSrc, after.DstPort, after.SrcPort, "reply"u8);
            string back = SimplePacket.BuildUdp(after.EthSrc, after.EthDst, before.NwDst, before.NwSrc, before.DstPort, before.SrcPort, "reply"u8);
            replies.Add($$"""{"i":{{@case.Events.Count + replies.Count}},"t":{{timeMs + 1}},"op":"pkt","port":{{port}},"hex":"{{reply}}","expect":[[{{e.Port}},"{{back}}"]]}""");
        }
        foreach (string line in replies) yield return line;
    }

    private static string Tuple(uint port, SimplePacket p) => $"{port} {p.NwSrc} {p.NwDst} {p.SrcPort} {p.DstPort}";

    private static bool IsBetween(JsonElement range, string address) =>
        Value(range[0].GetString()!) <= Value(address) && Value(address) <= Value(range[1].GetString()!);

    private static UInt128 Value(string address) =>
        IPAddress.Parse(address).GetAddressBytes().Aggregate(UInt128.Zero, (sum, b) => (sum << 8) | b);
}
