using System.Globalization;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>
/// A table as the driver writes it that measures two switches in turn: tab-separated columns, a header line that begins with <c>scenario</c>, comments that begin with #.
/// </summary>
internal static class DriverTable
{
    private const string First = "scenario";

    /// <summary>The scenario and the wanted figures of each row, in the order of <paramref name="columns"/>.</summary>
    /// <param name="path">File.</param>
    /// <param name="columns">Names of columns with figures.</param>
    /// <param name="skipShort">Leave out rows that end before the last of them: the driver did not run this switch there. Otherwise they are refused.</param>
    /// <exception cref="PerfException">The file is missing, has no header line, lacks a column, or has a figure that is none.</exception>
    public static IEnumerable<(string Scenario, double[] Figures)> Read(string path, IReadOnlyList<string> columns, bool skipShort)
    {
        int[]? places = null;
        int number = 0;
        foreach (string line in Lines(path))
        {
            number++;
            if (line.Length == 0 || line[0] == '#') continue;
            string[] cells = line.Split('\t');
            if (cells[0] == First)
            {
                places = [.. columns.Select(c => Array.IndexOf(cells, c))];
                int missing = Array.IndexOf(places, -1);
                if (missing >= 0) throw PerfException.BadInput($"{path}: line {number}: no column \"{columns[missing]}\"");
                continue;
            }

            if (places is null) throw PerfException.BadInput($"{path}: line {number}: a row before the header line (scenario, Mpps_med, ...)");
            if (cells.Length > places.Max() || !skipShort) yield return (cells[0], [.. places.Select(p => Figure(cells, p, path, number))]);
        }
    }

    private static string[] Lines(string path)
    {
        try
        {
            InputFile.RequireFile(path);
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw PerfException.Failed(e.Message);
        }
    }

    private static double Figure(string[] cells, int column, string path, int line)
    {
        if (column < cells.Length && double.TryParse(cells[column], NumberStyles.Float, CultureInfo.InvariantCulture, out double value)) return value;
        throw PerfException.BadInput($"{path}: line {line}: column {column + 1} is not a number");
    }
}
