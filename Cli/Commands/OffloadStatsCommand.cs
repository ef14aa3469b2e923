using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow offload stats</c>: totals of the offload, and refused packets by reason.</summary>
internal static class OffloadStatsCommand
{
    public static Command Create(CancellationToken interrupted) =>
        ShowCommand.Create("stats", "Replay, then print totals and the reasons for what was not offloaded.", interrupted, Show);

    private static void Show(ShowContext context)
    {
        OffloadThread offload = context.RequireOffload();
        OffloadStats s = offload.Stats;
        (string Name, string Member, ulong Value)[] totals =
        [
            ("Packets received", "rx_packets", (ulong)context.Session.PacketCount),
            ("Bytes received", "rx_bytes", (ulong)context.Session.ByteCount),
            ("Packets that took a merged rule", "offload_hits", context.Report.OffloadHits),
            ("Their bytes", "offload_bytes", s.HitBytes),
            ("Rules installed", "n_offloaded", context.Report.Offloaded),
            ("Rules that exist", "rules", (ulong)offload.Report.Rules().Count),
            ("Rules removed", "removed", s.Removed),
            ("- to make room", "evicted", s.Evicted),
            ("- overtaken by a change", "raced", s.Raced),
            ("Traces recorded", "traces", s.Traces),
            ("Traces merged", "merged", s.Merged),
        ];
        (string Name, string Member, ulong Value)[] troubles =
        [
            ("Times that the device left the path", "suspensions", s.Suspensions),
            ("Changes that it did not confirm", "unacknowledged", s.Unacknowledged),
            ("Failures of the offload thread", "failures", s.Failures),
        ];
        IReadOnlyList<(OffloadReason Reason, ulong Packets, ulong Bytes)> refused = offload.Report.RefusedTotals().Sorted();
        IReadOnlyList<(OffloadReason Reason, ulong Packets, ulong Bytes)> removed = s.RemovedBy.Sorted();
        if (context.IsJson)
        {
            context.WriteJson(json =>
            {
                foreach ((_, string member, ulong value) in totals.Concat(troubles)) json.WriteNumber(member, value);
                json.WriteStartObject("refused");
                foreach ((OffloadReason reason, ulong packets, _) in refused) json.WriteNumber(reason.ToString(), packets);
                json.WriteEndObject();
                json.WriteStartObject("refused_bytes");
                foreach ((OffloadReason reason, _, ulong bytes) in refused) json.WriteNumber(reason.ToString(), bytes);
                json.WriteEndObject();
                json.WriteString("summary", Summary(context, s, refused));
                json.WriteStartObject("removed_by");
                foreach ((OffloadReason reason, ulong rules, _) in removed) json.WriteNumber(reason.ToString(), rules);
                json.WriteEndObject();
            });
            return;
        }
        TextTable table = new(1, "", "count");
        foreach ((string name, _, ulong value) in totals.Concat(troubles.Where(static t => t.Value > 0))) table.AddRow(name, Number(value));
        table.Write(context.Output);
        TextTable reasons = new(1, "not offloaded because", "packets", "% of packets", "bytes", "% of bytes");
        foreach ((OffloadReason reason, ulong packets, ulong bytes) in refused)
        {
            reasons.AddRow(reason.ToString(), Number(packets), Share(packets, (ulong)context.Session.PacketCount), Number(bytes), Share(bytes, (ulong)context.Session.ByteCount));
        }

        if (refused.Count > 0) reasons.Write(context.Output);
        TextTable removals = new(1, "removed because", "rules");
        foreach ((OffloadReason reason, ulong rules, _) in removed) removals.AddRow(reason.ToString(), Number(rules));
        if (removed.Count > 0) removals.Write(context.Output);
        context.Output.WriteLine(Summary(context, s, refused));
    }

    private static string Summary(ShowContext context, OffloadStats s, IReadOnlyList<(OffloadReason Reason, ulong Packets, ulong Bytes)> refused)
    {
        (ulong packets, ulong bytes) = ((ulong)context.Session.PacketCount, (ulong)context.Session.ByteCount);
        string loss = "";
        if (refused.Count > 0)
        {
            (OffloadReason reason, ulong lostPackets, ulong lostBytes) = refused.MaxBy(static r => r.Bytes);
            loss = $"; largest loss: {reason}, {Share(lostBytes, bytes)} % of bytes and {Share(lostPackets, packets)} % of packets";
        }

        return $"{Share(s.HitBytes, bytes)} % of bytes and {Share(s.Hits, packets)} % of packets offloaded{loss}";
    }

    private static string Share(ulong part, ulong whole) => (whole == 0 ? 0 : 100.0 * part / whole).ToString("F1", CultureInfo.InvariantCulture);

    private static string Number(ulong value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
