using System.Globalization;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>
/// What the figures say, in three numbers: how much is offloaded, how many times the peer, what a packet costs. Where captures were measured they are about
/// these alone, else about all rows; of several rows it is the median, with the least and the most and where they stand.
/// </summary>
public sealed record Headline
{
    private const string None = "–";

    private Headline(HeadlineFigure offloaded, HeadlineFigure times, HeadlineFigure cost) => (Offloaded, Times, Cost) = (offloaded, times, cost);

    /// <summary>Share of packets, percent: of captures in one pass, else in the measured runs.</summary>
    public HeadlineFigure Offloaded { get; }

    /// <summary>Cycles of the peer over ours; without a peer those without offload over those with merged rules in software.</summary>
    public HeadlineFigure Times { get; }

    /// <summary>Cycles per packet of our rows, without what an emulated NIC takes.</summary>
    public HeadlineFigure Cost { get; }

    /// <summary>Of a file with at least one row.</summary>
    public static Headline Of(ResultsFile results)
    {
        ScenarioResult[] rows = [.. results.Scenarios.Where(static r => r.FirstPass is not null)];
        rows = rows.Length == 0 ? [.. results.Scenarios] : [.. results.Scenarios.Where(r => rows.Any(c => c.Name == r.Name))];
        return new Headline(OffloadedOf(rows), TimesOf(rows), CostOf(rows));
    }

    /// <summary>Share of packets that the NIC or a merged rule took, percent: of a capture in one pass, else in the measured runs; null without offload.</summary>
    public static double? OffloadedPercent(ScenarioResult row)
    {
        ArgumentNullException.ThrowIfNull(row);
        if (row.Offload == "none") return null;
        return row.FirstPass is { Count: > 0 } parts ? 100.0 * parts[0].Packets / parts.Sum(static p => (double)p.Packets) : row.Tiers.Nic + row.Tiers.Merged;
    }

    /// <summary>The same as it is printed; of a capture rounded as in the table of its one pass, whose shares add up.</summary>
    public static string OffloadedText(ScenarioResult row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row.FirstPass is { Count: > 0 } parts ? ShareTable.Percent([.. parts.Select(static p => p.Packets)])[0] : ResultsTable.Percent(OffloadedPercent(row) ?? 0);
    }

    /// <summary>How many times the peer's cycles are of ours; null without a peer.</summary>
    public static double? TimesPeer(ScenarioResult row) => row?.Peer is { } peer ? peer.CyclesPerPacket.Median / row.CyclesPerPacket.Median : null;

    /// <summary>Cycles per packet; those that an emulated NIC takes are left out, as no processor would spend them with a real one.</summary>
    public static double OwnCycles(ScenarioResult row) => row is null ? 0 : row.CyclesPerPacket.Median - (row.DeviceCyclesPerPacket ?? 0);

    private static HeadlineFigure OffloadedOf(ScenarioResult[] all)
    {
        const string title = "offloaded";
        string mode = all.Any(static r => r.Offload == "nic") ? "nic" : "soft";
        ScenarioResult[] rows = [.. all.Where(r => r.Offload == mode)];
        if (rows.Length == 0) return new HeadlineFigure(title, None, "No row was measured with offload (--offload all).");
        string to = mode == "nic" ? "the NIC" : "merged rules in software";
        if (rows.Length > 1) return Median(title, " %", rows, static r => OffloadedPercent(r)!.Value, ResultsTable.Percent, $"of packets taken by {to}");
        ScenarioResult row = rows[0];
        string value = OffloadedText(row) + " %";
        if (row.FirstPass is not { Count: > 0 } parts) return new HeadlineFigure(title, value, $"of the packets of {RowChart.Label(row)} taken by {to}.");
        string bytes = ShareTable.Percent([.. parts.Select(static p => p.Bytes)])[0];
        string[] packets = ShareTable.Percent([.. parts.Select(static p => p.Packets)]);

        // Reasons stand in the order in which the programs print them: the first one is the largest loss there, too.
        ReasonCount? loss = parts.FirstOrDefault(static p => Enum.TryParse<OffloadReason>(p.Reason, out _));
        string lost = loss is null ? "" : $" Largest loss: {loss.Reason}, {packets[parts.ToList().IndexOf(loss)]} % of packets.";
        return new HeadlineFigure(title, value, $"of packets and {bytes} % of bytes of {row.Name} taken by {to}, in one pass.{lost}");
    }

    private static HeadlineFigure TimesOf(ScenarioResult[] all)
    {
        ScenarioResult[] beside = [.. all.Where(static r => r.Peer is not null && r.Offload != "nic")];
        if (beside.Length > 0)
        {
            string name = string.Join(", ", beside.Select(static r => r.Peer!.Name).Distinct());
            string title = $"the speed of {name}";
            return beside.Length > 1
                ? Median(title, " ×", beside, static r => TimesPeer(r)!.Value, F1, "in cycles per packet, on the same frames and rules")
                : new HeadlineFigure(title, F1(TimesPeer(beside[0])!.Value) + " ×", $"{ResultsTable.Short(beside[0].Peer!.CyclesPerPacket.Median)} against {ResultsTable.Short(beside[0].CyclesPerPacket.Median)} cycles per packet on the same frames and rules, {RowChart.Label(beside[0])}.");
        }

        const string ownTitle = "the speed without offload, with merged rules in software";
        const string noPeer = "No other switch was measured beside it (--peer ovs).";
        (ScenarioResult Without, ScenarioResult With)[] pairs = [.. all.Where(static r => r.Offload == "soft").Select(s => (all.FirstOrDefault(n => n.Offload == "none" && n.Name == s.Name && n.CacheOn == s.CacheOn)!, s)).Where(static p => p.Item1 is not null)];
        if (pairs.Length == 0) return new HeadlineFigure("the speed of a peer", None, noPeer);
        double Ratio(ScenarioResult soft) => pairs.First(p => ReferenceEquals(p.With, soft)).Without.CyclesPerPacket.Median / soft.CyclesPerPacket.Median;
        if (pairs.Length > 1) return Median(ownTitle, " ×", [.. pairs.Select(static p => p.With)], Ratio, F1, "in cycles per packet", noPeer);
        (ScenarioResult none, ScenarioResult with) = pairs[0];
        string looped = with.Loop is null ? "" : " in the loop, which reopens connections";
        return new HeadlineFigure(ownTitle, F1(Ratio(with)) + " ×", $"{ResultsTable.Short(none.CyclesPerPacket.Median)} cycles per packet without offload, {ResultsTable.Short(with.CyclesPerPacket.Median)} with it{looped}. {noPeer}");
    }

    private static HeadlineFigure CostOf(ScenarioResult[] all)
    {
        const string title = "cycles per packet";
        ScenarioResult[] soft = [.. all.Where(static r => r.Offload == "soft")];
        ScenarioResult[] rows = soft.Length > 0 && all.Any(static r => r.FirstPass is not null) ? soft : [.. all.Where(static r => r.Offload != "nic")];
        if (rows.Length == 0) rows = all;
        if (rows.Length > 1) return Median(title, "", rows, OwnCycles, ResultsTable.Short, "on one core, receive and transmit included");
        ScenarioResult row = rows[0];
        string looped = row.Loop is null ? "" : ", looped";
        return new HeadlineFigure(title, ResultsTable.Short(OwnCycles(row)), $"{ResultsTable.Short(row.NsPerPacket.Median)} ns or {ResultsTable.Short(row.PacketsPerSecond.Median / 1e6)} Mpps on one core, receive and transmit included, {RowChart.Label(row)}{looped}.");
    }

    private static HeadlineFigure Median(string title, string unit, ScenarioResult[] rows, Func<ScenarioResult, double> value, Func<double, string> text, string what, string more = "")
    {
        ScenarioResult[] sorted = [.. rows.OrderBy(value)];
        string least = text(value(sorted[0])) + unit, most = text(value(sorted[^1])) + unit;
        string range = least == most ? $"in each of {rows.Length} rows" : $"the median of {rows.Length} rows, from {least} ({RowChart.Label(sorted[0])}) to {most} ({RowChart.Label(sorted[^1])})";
        string about = $"{what}: {range}. {more}";
        return new HeadlineFigure(title, text(Spread.Quantile([.. sorted.Select(value)], 0.5)) + unit, about.TrimEnd());
    }

    private static string F1(double value) => value.ToString("F1", CultureInfo.InvariantCulture);
}

/// <summary>One number of the headline.</summary>
/// <param name="Title">What it counts.</param>
/// <param name="Value">The number with its unit; a dash if it was not measured.</param>
/// <param name="About">Of what, and what it ranges over: a sentence or two.</param>
public sealed record HeadlineFigure(string Title, string Value, string About);
