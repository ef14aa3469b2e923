using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary><c>mergeflow pmd-perf-show</c>: how the packets of a replay were classified, as <c>ovs-appctl dpif-netdev/pmd-perf-show</c> counts.</summary>
internal static class PmdPerfShowCommand
{
    public static Command Create(CancellationToken interrupted) =>
        ShowCommand.Create("pmd-perf-show", "Replay, then print how packets were classified.", interrupted, Show);

    private static void Show(ShowContext context)
    {
        PmdStats s = context.Report.Pmd;
        (string Name, string Member, ulong Value, ulong Of)[] rows =
        [
            ("Rx packets", "rx_packets", s.Rx, 0),
            ("Rx bytes", "rx_bytes", s.RxBytes, 0),
            ("Datapath passes", "passes", s.Passes, s.Rx),
            ("- Merged rule hits", "merged_hits", s.MergedHits, s.Rx),
            ("- Merged rule matches handed back", "merged_refused", s.MergedRefused, s.Rx),
            ("- EMC hits", "emc_hits", s.EmcHits, s.Passes),
            ("- Megaflow hits", "megaflow_hits", s.MegaflowHits, s.Passes),
            ("- Upcalls", "upcalls", s.Upcalls, s.Passes),
            ("- Upcalls not installed", "upcalls_not_installed", s.UpcallsUninstalled, s.Passes),
            ("Subtables probed", "subtables_probed", s.SubtablesProbed, 0),
            ("Recirculations", "recirculations", s.Recirculations, s.Rx),
            ("- too deep", "recirc_too_deep", s.RecircTooDeep, s.Recirculations),
            ("Tx packets", "tx_packets", s.Tx, 0),
            ("Tx bytes", "tx_bytes", s.TxBytes, 0),
            ("Dropped", "dropped", s.Dropped, s.Rx),
            ("To the controller", "to_controller", s.ToController, s.Rx),
            ("To ports that do not exist", "tx_no_port", s.TxNoPort, 0),
            ("Batches", "batches", s.Batches, 0),
        ];
        if (context.IsJson)
        {
            context.WriteJson(json =>
            {
                foreach ((_, string member, ulong value, _) in rows) json.WriteNumber(member, value);
            });
            return;
        }
        TextTable table = new(1, "", "count", "%");
        foreach ((string name, _, ulong value, ulong of) in rows)
            table.AddRow(name, value.ToString("N0", CultureInfo.InvariantCulture), of == 0 ? "" : (100.0 * value / of).ToString("F1", CultureInfo.InvariantCulture));
        table.Write(context.Output);
    }
}
