using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow offload stats</c>: totals of the offload, and refused packets by reason.</summary>
internal static class OffloadStatsCommand
{
    private static readonly (Nic.KernelLeft Left, string Name, string Member)[] s_left =
    [
        (Nic.KernelLeft.SuperFrameInside, "super-frames that came in a tunnel", "left_super_frame_inside"),
        (Nic.KernelLeft.SuperFrameChecksum, "super-frames for a tunnel with checksums", "left_super_frame_checksum"),
        (Nic.KernelLeft.ChecksumInside, "no sum is known of what is inside", "left_checksum_inside"),
        (Nic.KernelLeft.OuterHeader, "other outer headers", "left_outer_header"),
        (Nic.KernelLeft.NoRoom, "no room for outer headers", "left_no_room"),
    ];

    public static Command Create(CancellationToken interrupted) =>
        ShowCommand.Create("stats", "Replay, then print totals and the reasons for what was not offloaded.", interrupted, Show);

    private static void Show(ShowContext context)
    {
        OffloadThread offload = context.RequireOffload();
        OffloadStats s = offload.Stats;
        (string Name, string Member, ulong Value)[] totals =
        [
            ("Packets received", "rx_packets", context.Received.Packets),
            ("Bytes received", "rx_bytes", context.Received.Bytes),
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
        ShadowCheck? shadow = context.Datapath.Shadow is { OneIn: > 0 } on ? on : null;
        (string Name, string Member, ulong Value)[] checks = shadow is null ? [] :
        [
            ("Packets of the kernel checked, one in", "shadow_one_in", (ulong)shadow.OneIn),
            ("- as software", "shadow_alike", shadow.Alike),
            ("- otherwise than software", "shadow_differences", shadow.Differences),
            ("- of a rule that was revoked meanwhile", "shadow_undecided", shadow.Undecided),
            ("- no room for a copy", "shadow_lost", shadow.Lost),
        ];
        if (context.Datapath.Kernel is { } kernel)
        {
            checks = [.. checks, .. s_left.Where(l => kernel.LeftFor(l.Left) > 0).Select(l => ($"Left to software although there was a rule: {l.Name}", l.Member, kernel.LeftFor(l.Left)))];
        }

        OffloadShares shares = offload.Report.Shares(context.Received);
        IReadOnlyList<(OffloadReason Reason, ulong Packets, ulong Bytes)> refused = offload.Report.RefusedTotals().Sorted();
        IReadOnlyList<(OffloadReason Reason, ulong Packets, ulong Bytes)> removed = s.RemovedBy.Sorted();
        if (context.IsJson)
        {
            context.WriteJson(json =>
            {
                foreach ((_, string member, ulong value) in totals.Concat(checks).Concat(troubles)) json.WriteNumber(member, value);
                json.WriteStartObject("refused");
                foreach ((OffloadReason reason, ulong packets, _) in refused) json.WriteNumber(reason.ToString(), packets);
                json.WriteEndObject();
                json.WriteStartObject("refused_bytes");
                foreach ((OffloadReason reason, _, ulong bytes) in refused) json.WriteNumber(reason.ToString(), bytes);
                json.WriteEndObject();
                json.WriteNumber("made_rule", shares.MadeRule.Packets);
                json.WriteNumber("made_rule_bytes", shares.MadeRule.Bytes);
                json.WriteNumber("unknown", (long)shares.Unknown.Packets);
                json.WriteNumber("unknown_bytes", (long)shares.Unknown.Bytes);
                json.WriteString("summary", ShareTable.Summary(shares));
                json.WriteStartObject("removed_by");
                foreach ((OffloadReason reason, ulong rules, _) in removed) json.WriteNumber(reason.ToString(), rules);
                json.WriteEndObject();
            });
            return;
        }
        TextTable table = new(1, "", "count");
        foreach ((string name, _, ulong value) in totals.Concat(checks).Concat(troubles.Where(static t => t.Value > 0))) table.AddRow(name, Number(value));
        table.Write(context.Output);
        ShareTable.Table(ShareTable.Rows(shares)).Write(context.Output);
        TextTable removals = new(1, "removed because", "rules");
        foreach ((OffloadReason reason, ulong rules, _) in removed) removals.AddRow(reason.ToString(), Number(rules));
        if (removed.Count > 0) removals.Write(context.Output);
        context.Output.WriteLine(ShareTable.Summary(shares));
    }

    private static string Number(ulong value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
