using System.Globalization;
using System.Text;

namespace Mergeflow.Perf;

/// <summary>A results file as the table that <c>README.md</c> quotes.</summary>
public static class MarkdownTable
{
    /// <summary>The table and one line about the machine, with a final newline.</summary>
    public static string Write(ResultsFile results)
    {
        bool hasPeer = results.Scenarios.Any(r => r.Peer is not null);
        var text = new StringBuilder();
        text.Append("| scenario | offload | Mpps | cycles/packet | min..max |").Append(hasPeer ? " beside it | times |" : "").Append('\n');
        text.Append("|---|---|---:|---:|---:|").Append(hasPeer ? "---:|---:|" : "").Append('\n');
        foreach (ScenarioResult r in results.Scenarios)
        {
            string about = DefaultSuite.About(r.Name);
            text.Append($"| `{r.Name}`{(about.Length > 0 ? $" {about}" : "")} | {r.Offload} | {ResultsTable.Short(r.PacketsPerSecond.Median / 1e6)} | {ResultsTable.Short(r.CyclesPerPacket.Median)} | {ResultsTable.Short(r.CyclesPerPacket.Min)}..{ResultsTable.Short(r.CyclesPerPacket.Max)} |");
            if (hasPeer && r.Peer is { } p) text.Append($" {p.Name}: {ResultsTable.Short(p.CyclesPerPacket.Median)} | {(p.CyclesPerPacket.Median / r.CyclesPerPacket.Median).ToString("F1", CultureInfo.InvariantCulture)} |");
            else if (hasPeer) text.Append(" - | - |");
            text.Append('\n');
        }

        string date = results.CreatedAt.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        text.Append($"\n{results.Host.CpuModel}, one core, TSC {(results.Host.TscHz / 1e9).ToString("F3", CultureInfo.InvariantCulture)} GHz, {results.Runtime.Framework}, {date}{(results.Commit is null ? "" : $", commit {results.Commit}")}; median of {results.Scenarios.Max(r => r.Runs.Count)} runs.\n");
        return text.ToString();
    }
}
