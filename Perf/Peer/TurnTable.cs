using System.Globalization;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>
/// What a driver wrote that measured another switch and this one in turn (<c>ob-peer</c>): tab-separated, a header line, the other switch in <c>Mpps_med min max cyc_med</c>
/// and this one in <c>peer_Mpps peer_min peer_max peer_cyc</c>, seen from its side. Rows without the latter are left out.
/// </summary>
public static class TurnTable
{
    private static readonly string[] s_columns = ["Mpps_med", "min", "max", "cyc_med", "peer_Mpps", "peer_min", "peer_max", "peer_cyc", "other_cpu%_max"];

    /// <summary>Prints a table: both figures, their ranges, and how many times faster this one is.</summary>
    /// <param name="path">File.</param>
    /// <param name="output">Where to.</param>
    /// <exception cref="PerfException">The file is missing or is no such table.</exception>
    public static void Print(string path, TextWriter output)
    {
        TextTable table = new(1, "scenario", "Open vSwitch Mpps", "min..max", "cycles", "Mergeflow Mpps", "min..max", "cycles", "times", "other load %");
        foreach ((string scenario, double[] v) in DriverTable.Read(path, s_columns, skipShort: true))
            table.AddRow(scenario, Two(v[0]), $"{Two(v[1])}..{Two(v[2])}", $"{v[3]:F0}", Two(v[4]), $"{Two(v[5])}..{Two(v[6])}", $"{v[7]:F0}", v[0] > 0 ? One(v[4] / v[0]) : "-", One(v[8]));

        table.Write(output);
    }

    private static string One(double value) => value.ToString("F1", CultureInfo.InvariantCulture);

    private static string Two(double value) => value.ToString("F2", CultureInfo.InvariantCulture);
}
