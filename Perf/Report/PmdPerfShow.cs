using System.Globalization;

namespace Mergeflow.Perf;

/// <summary>The measured runs of a row as <c>ovs-appctl dpif-netdev/pmd-perf-show</c> prints a PMD.</summary>
public static class PmdPerfShow
{
    /// <summary>One block per row.</summary>
    public static void Print(TextWriter output, ResultsFile results)
    {
        foreach (ScenarioResult row in results.Scenarios) output.Write(Text(row, results.Host.TscHz));
    }

    /// <summary>One block.</summary>
    /// <param name="row">The row.</param>
    /// <param name="tscHz">Ticks of the time stamp counter per second.</param>
    public static string Text(ScenarioResult row, double tscHz)
    {
        double packets = row.Runs.Sum(r => (double)r.Packets);
        double seconds = row.Runs.Sum(r => r.Seconds);
        double passes = packets * row.PassesPerPacket;
        double software = row.Tiers.Emc + row.Tiers.Megaflow + row.Tiers.Upcall;
        double Lookups(double share) => software == 0 ? 0 : passes * share / software;
        double Percent(double part) => passes == 0 ? 0 : 100 * part / passes;
        (double nic, double merged) = (packets * row.Tiers.Nic / 100, packets * row.Tiers.Merged / 100);
        (double emc, double megaflow, double upcall) = (Lookups(row.Tiers.Emc), Lookups(row.Tiers.Megaflow), Lookups(row.Tiers.Upcall));
        return string.Create(CultureInfo.InvariantCulture, $"""

            pmd thread core_id {row.Cpu?.ToString(CultureInfo.InvariantCulture) ?? "-"}: {RowChart.Label(row).Replace(" · ", " - ")}

              Used TSC cycles: {seconds * tscHz,20:F0}  ({seconds * 1000:F1} ms in {row.Runs.Count} runs)
              Rx packets:      {packets,20:F0}  ({row.PacketsPerSecond.Median / 1e3:F0} Kpps, {row.CyclesPerPacket.Median:F0} cycles/pkt)
              Datapath passes: {passes,20:F0}  ({row.PassesPerPacket:F2} passes/pkt)
              - PHWOL hits:    {nic,20:F0}  ({row.Tiers.Nic:F1} % of packets, no pass)
              - Merged hits:   {merged,20:F0}  ({row.Tiers.Merged:F1} % of packets, no pass)
              - EMC hits:      {emc,20:F0}  ({Percent(emc):F1} %)
              - Megaflow hits: {megaflow,20:F0}  ({Percent(megaflow):F1} %, {row.SubtablesPerSearch:F2} subtbl lookups/search)
              - Upcalls:       {upcall,20:F0}  ({Percent(upcall):F1} %)
              Tx packets:      {packets * row.TxPerRx,20:F0}  ({row.PacketsPerSecond.Median * row.TxPerRx / 1e3:F0} Kpps)

            """);
    }
}
