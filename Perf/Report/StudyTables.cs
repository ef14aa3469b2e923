using System.Globalization;
using Mergeflow.Cli;
using Spectre.Console;

namespace Mergeflow.Perf;

/// <summary>Tables of the studies: rates and latency, ramp, sweep, connections per second.</summary>
public static class StudyTables
{
    private static readonly double[] s_milestones = [50, 90, 99];

    /// <summary>Header and rows of each table that has rows; the first <c>TextColumns</c> columns are text.</summary>
    public static IEnumerable<(string Title, string[] Headers, int TextColumns, IReadOnlyList<string[]> Rows)> Of(ResultsFile results)
    {
        IReadOnlyList<ScenarioResult> rows = results.Scenarios;
        yield return ("rates", ["scenario", "offload", "NDR Mpps", "PDR Mpps", "PDR loss", "ring", "trial s", "trials"], 2,
            [.. rows.Where(r => r.Rates is not null).Select(r => new[] { r.Name, r.Offload, Mega(r.Rates!.NoDropRate), Mega(r.Rates.PartialDropRate), $"{N(r.Rates.PartialDropPercent)} %", N(r.Rates.RingSize), N(r.Rates.TrialSeconds), N(r.Rates.Trials) })]);
        yield return ("latency, us (arrival that the rate prescribes to the end of the batch)", ["scenario", "offload", "load", "Mpps", "p50", "p90", "p99", "p99.9", "p99.99", "max", "lost"], 2,
            [.. rows.Where(r => r.Rates is not null).SelectMany(r => r.Rates!.Latency.Select(l => new[] { r.Name, r.Offload, $"{N(l.LoadPercent)} %", Mega(l.PacketsPerSecond), Us(l.P50Ns), Us(l.P90Ns), Us(l.P99Ns), Us(l.P999Ns), Us(l.P9999Ns), Us(l.MaxNs), N(l.Dropped) }))]);
        yield return ("offload ramp, ms until this share of packets is offloaded", ["scenario", "offload", .. s_milestones.Select(m => $"{N(m)} %"), "rules", "rules/s"], 2,
            [.. rows.Where(r => r.Ramp is not null).Select(r => new[] { r.Name, r.Offload }.Concat(s_milestones.Select(m => Reached(r.Ramp!, m))).Concat([N(r.Ramp![^1].Installed), RulesPerSecond(r.Ramp!)]).ToArray())]);
        yield return ("table size", ["scenario", "offload", "table", "offloaded %", "optimum %", "cycles/packet"], 2,
            [.. rows.Where(r => r.Sweep is not null).Select(r => new[] { r.Name.Split('@')[0], r.Offload, N(r.Sweep!.Capacity), ResultsTable.Percent(r.Sweep.OffloadedPercent), ResultsTable.Percent(r.Sweep.OptimumPercent), ResultsTable.Short(r.Sweep.CyclesPerPacket) })]);
        yield return ("NIC tables at the end", ["scenario", "profile", "exact match", "of", "full", "templates", "of", "wildcard", "of"], 2,
            [.. rows.Where(r => r.Nic is not null).Select(r => (r, n: r.Nic!)).Select(x => new[]
            {
                x.r.Name, Path.GetFileNameWithoutExtension(x.r.NicProfile) ?? "", N(x.n.ExactMatch), N(x.n.ExactMatchCapacity), $"{ResultsTable.Percent(100.0 * x.n.ExactMatch / Math.Max(1, x.n.ExactMatchCapacity))} %",
                N(x.n.Templates), N(x.n.TemplateCapacity), N(x.n.Wildcard), N(x.n.WildcardCapacity),
            })]);
        yield return ("changes of the tables while traffic runs", ["scenario", "offload", "flow-mods/s", "done/s", "kind", "median us", "max us", "Mpps", "min Mpps", "offloaded %", "min %", "megaflows deleted"], 2,
            [.. rows.Where(r => r.Churn is not null).Select(r => (r, c: r.Churn!)).Select(x => new[]
            {
                x.r.Name.Split('@')[0], x.r.Offload, N(x.c.FlowModsPerSecond), N(Math.Round(x.c.AppliedPerSecond)), x.c.Kind, ResultsTable.Short(x.c.MedianMicroseconds), ResultsTable.Short(x.c.MaxMicroseconds),
                Mega(x.c.PacketsPerSecond.Median), Mega(x.c.PacketsPerSecond.Min), ResultsTable.Percent(x.c.OffloadedPercent.Median), ResultsTable.Percent(x.c.OffloadedPercent.Min), N(x.c.MegaflowsDeleted),
            })]);
        string[] stages = [.. RowChart.StagesOf(rows)];
        yield return ("stages, cycles/packet (sum: of the stages; total: without marks between them)", ["scenario", "offload", .. stages, "sum", "total", "off by"], 2,
            [.. rows.Where(r => r.Stages is not null).Select(r => new[] { r.Name, r.Offload }
                .Concat(stages.Select(s => r.Stages!.Stages.FirstOrDefault(x => x.Stage == s) is { } x ? ResultsTable.Short(x.CyclesPerPacket) : "-"))
                .Concat([ResultsTable.Short(r.Stages!.SumCyclesPerPacket), ResultsTable.Short(r.Stages.TotalCyclesPerPacket), ComparisonTable.Signed(r.Stages.Deviation)]).ToArray())]);
        yield return ("time per batch, us (up to 32 packets; the loop is never idle)", ["scenario", "offload", "seconds", "packets", "batches", "p50", "p99", "p99.9", "p99.99", "max", "alloc B", "GC", "cpu %"], 2,
            [.. rows.Where(r => r.BatchLatency is not null).Select(r => (r, b: r.BatchLatency!)).Select(x => new[]
            {
                x.r.Name, x.r.Offload, N(Math.Round(x.b.Seconds, 1)), N(x.b.Packets), N(x.b.Batches), Us(x.b.P50Ns), Us(x.b.P99Ns), Us(x.b.P999Ns), Us(x.b.P9999Ns), Us(x.b.MaxNs),
                N(x.b.AllocatedBytes), N(x.b.Collections), N(Math.Round(100 * x.b.CpuShare, 1)),
            })]);
        yield return ("connections per second, thousands", ["scenario", "offload", "median", "min", "max"], 2,
            [.. rows.Where(r => r.ConnectionsPerSecond is not null).Select(r => new[] { r.Name, r.Offload, Kilo(r.ConnectionsPerSecond!.Median), Kilo(r.ConnectionsPerSecond.Min), Kilo(r.ConnectionsPerSecond.Max) })]);
    }

    /// <summary>Prints the tables that have rows.</summary>
    public static void Print(IAnsiConsole console, ResultsFile results)
    {
        foreach ((string title, string[] headers, int textColumns, IReadOnlyList<string[]> rows) in Of(results).Where(t => t.Rows.Count > 0))
        {
            TextTable table = new(textColumns, headers) { Title = title };
            foreach (string[] row in rows) table.AddRow(row);
            table.Write(console);
        }
    }

    private static string Reached(IReadOnlyList<RampPoint> ramp, double percent)
        => ramp.FirstOrDefault(p => p.OffloadedPercent >= percent) is RampPoint at ? at.Ms.ToString("F1", CultureInfo.InvariantCulture) : "-";

    /// <summary>Up to the moment at which nine tenths of the rules are there: the last ones wait for their packets.</summary>
    private static string RulesPerSecond(IReadOnlyList<RampPoint> ramp)
    {
        ulong most = ramp[^1].Installed;
        RampPoint at = ramp.First(p => p.Installed >= 0.9 * most);
        return most == 0 ? "-" : N(Math.Round(at.Installed / at.Ms * 1000));
    }

    private static string Mega(double perSecond) => ResultsTable.Short(perSecond / 1e6);

    private static string Kilo(double perSecond) => ResultsTable.Short(perSecond / 1e3);

    private static string Us(double ns) => ResultsTable.Short(ns / 1e3);

    private static string N(double value) => value.ToString("#,0.###", CultureInfo.InvariantCulture);
}
