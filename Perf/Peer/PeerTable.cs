namespace Mergeflow.Perf;

/// <summary>
/// Figures of another switch on the same captures and rules: a table with tab-separated columns <c>scenario Mpps_med min max cyc_med cyc_min cyc_max</c>
/// among others, as the driver writes it that measures the two switches in turn (<c>ob-peer</c>). Lines that begin with # are comments.
/// </summary>
public sealed class PeerTable
{
    private static readonly string[] s_columns = ["Mpps_med", "min", "max", "cyc_med", "cyc_min", "cyc_max"];

    private static readonly Dictionary<string, string> s_otherNames = new(StringComparer.Ordinal)
    {
        ["s1_replay"] = "s1_uni",
        ["s6_newconn_udp"] = "s6_udp",
        ["s6_newconn_tcp"] = "s6_tcp",
        ["s6_newconn_udp_snat"] = "s6_snat",
        ["s7_upcall"] = "s7",
    };

    private readonly Dictionary<string, PeerResult> _rows = new(StringComparer.Ordinal);

    private PeerTable()
    {
    }

    /// <summary>Reads a table.</summary>
    /// <param name="path">File.</param>
    /// <param name="peerName">Name of the other switch.</param>
    /// <exception cref="PerfException">The file is missing, has no header line or a figure that is none.</exception>
    public static PeerTable Load(string path, string peerName)
    {
        var table = new PeerTable();
        foreach ((string scenario, double[] figures) in DriverTable.Read(path, s_columns, skipShort: false))
            table._rows[NameOf(scenario)] = new PeerResult(peerName, Of(figures, 0, 1e6), Of(figures, 3, 1));
        return table;
    }

    /// <summary>The results, each row beside the other switch where it has been measured on the same work.</summary>
    public ResultsFile Beside(ResultsFile results)
        => results with { Scenarios = [.. results.Scenarios.Select(r => _rows.TryGetValue(r.Name, out PeerResult? peer) ? r with { Peer = peer } : r)] };

    private static string NameOf(string scenario)
    {
        string lower = scenario.ToLowerInvariant();
        return s_otherNames.GetValueOrDefault(lower, lower);
    }

    private static Spread Of(double[] figures, int at, double unit) => new() { Median = figures[at] * unit, Min = figures[at + 1] * unit, Max = figures[at + 2] * unit };
}
