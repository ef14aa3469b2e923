using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>What <c>top</c> shows of the time between two snapshots.</summary>
/// <param name="before">The earlier one.</param>
/// <param name="now">The later one.</param>
internal sealed class TopScreen(LiveSnapshot before, LiveSnapshot now)
{
    private const int Reasons = 5;
    private const double MsPerSecond = 1000;

    private readonly double _seconds = Math.Max(1, now.TimeMs - before.TimeMs) / MsPerSecond;

    /// <summary>One line, for a file or a pipe.</summary>
    public string Line()
    {
        string drops = Number(now.Ports.Select((p, i) => Rate(p.Counts, BeforeOf(i), "rx_drops") + Rate(p.Counts, BeforeOf(i), "tx_drops")).Sum());
        return string.Create(
            CultureInfo.InvariantCulture,
            $"rx {Number(Rate(now.Total, before.Total, "rx"))}/s {Bits(Rate(now.Total, before.Total, "rx_bytes"))} tx {Number(Rate(now.Total, before.Total, "tx"))}/s merged {Share("merged", "rx")} upcalls {Number(Rate(now.Total, before.Total, "upcalls"))}/s rules {now.Gauges["rules"]} (+{Number(Rate(now.Gauges, before.Gauges, "rules_installed"))}/s) connections {now.Gauges["connections"]} port drops {drops}/s");
    }

    /// <summary>Tables, for a terminal.</summary>
    public void Write(TextWriter output)
    {
        output.WriteLine(Line());
        TextTable ports = new(2, "port", "state", "rx/s", "rx bit/s", "tx/s", "tx bit/s", "rx drops/s", "tx drops/s", "drops in all");
        for (int i = 0; i < now.Ports.Count; i++)
        {
            (string name, string state, IReadOnlyDictionary<string, long> counts) = now.Ports[i];
            IReadOnlyDictionary<string, long> earlier = BeforeOf(i);
            ports.AddRow(
                name, state, Number(Rate(counts, earlier, "rx")), Bits(Rate(counts, earlier, "rx_bytes")), Number(Rate(counts, earlier, "tx")), Bits(Rate(counts, earlier, "tx_bytes")),
                Number(Rate(counts, earlier, "rx_drops")), Number(Rate(counts, earlier, "tx_drops")), Number(counts["rx_drops"] + counts["tx_drops"]));
        }

        ports.Write(output);
        WriteCauses(output);
        TextTable tiers = new(1, "packets that", "per second", "% of rx");
        foreach ((string text, string member) in new[] { ("took a merged rule", "merged"), ("hit the exact-match cache", "emc"), ("hit a megaflow", "megaflow"), ("needed an upcall", "upcalls"), ("were dropped by a rule", "dropped") })
            tiers.AddRow(text, Number(Rate(now.Total, before.Total, member)), Share(member, "rx"));
        tiers.Write(output);
        TextTable threads = new(1, "thread", "rx/s", "merged/s", "tx/s");
        for (int i = 0; i < now.Threads.Count; i++)
        {
            IReadOnlyDictionary<string, long> earlier = i < before.Threads.Count ? before.Threads[i] : now.Threads[i];
            threads.AddRow(string.Create(CultureInfo.InvariantCulture, $"pmd{i}"), Number(Rate(now.Threads[i], earlier, "rx")), Number(Rate(now.Threads[i], earlier, "merged")), Number(Rate(now.Threads[i], earlier, "tx")));
        }

        threads.Write(output);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{now.Gauges["rules"]} merged rules, +{Number(Rate(now.Gauges, before.Gauges, "rules_installed"))}/s -{Number(Rate(now.Gauges, before.Gauges, "rules_removed"))}/s; {now.Gauges["megaflows"]} megaflows; {now.Gauges["connections"]} connections"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Megabytes("resident_bytes")} MB resident, {Megabytes("heap_bytes")} MB of it managed; {now.Gauges["descriptors"]} descriptors"));
        (string Reason, double Rate)[] reasons = [.. now.Reasons.Keys.Select(r => (r, Rate(now.Reasons, before.Reasons, r))).Where(static r => r.Item2 > 0).OrderByDescending(static r => r.Item2).Take(Reasons)];
        if (reasons.Length == 0) return;
        TextTable why = new(1, "not merged because", "packets/s");
        foreach ((string reason, double rate) in reasons) why.AddRow(reason, Number(rate));
        why.Write(output);
    }

    private void WriteCauses(TextWriter output)
    {
        TextTable causes = new(2, "port", "lost because of", "per second", "in all");
        bool hasAny = false;
        for (int i = 0; i < now.Ports.Count; i++)
        {
            foreach ((string cause, long count) in now.Ports[i].Counts.Where(static c => c.Key.StartsWith(LiveSnapshot.Lost, StringComparison.Ordinal)))
            {
                hasAny = true;
                causes.AddRow(now.Ports[i].Name, cause[LiveSnapshot.Lost.Length..], Number(Rate(now.Ports[i].Counts, BeforeOf(i), cause)), Number(count));
            }
        }

        if (hasAny) causes.Write(output);
    }

    private string Megabytes(string gauge) => (now.Gauges[gauge] / 1e6).ToString("F1", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Bits(double bytes) => (8 * bytes) switch
    {
        >= 1e9 => string.Create(CultureInfo.InvariantCulture, $"{8 * bytes / 1e9:F2}G"),
        >= 1e6 => string.Create(CultureInfo.InvariantCulture, $"{8 * bytes / 1e6:F2}M"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{8 * bytes / 1e3:F1}k"),
    };

    private IReadOnlyDictionary<string, long> BeforeOf(int port) => port < before.Ports.Count && before.Ports[port].Name == now.Ports[port].Name ? before.Ports[port].Counts : now.Ports[port].Counts;

    /// <summary>A counter that begins anew (a port that was opened again) has counted from 0.</summary>
    private double Rate(IReadOnlyDictionary<string, long> later, IReadOnlyDictionary<string, long> earlier, string member)
    {
        long from = earlier.GetValueOrDefault(member), to = later.GetValueOrDefault(member);
        return (to >= from ? to - from : to) / _seconds;
    }

    private string Share(string member, string of)
    {
        double all = Rate(now.Total, before.Total, of);
        return all <= 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{100 * Rate(now.Total, before.Total, member) / all:F1} %");
    }
}
