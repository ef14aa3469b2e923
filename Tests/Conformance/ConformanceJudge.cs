using System.Text.Json;

namespace Mergeflow.Tests;

/// <summary>Judges a replay's output against a case's recorded answer.</summary>
internal static partial class ConformanceJudge
{
    /// <summary>Every deviation, one line each; empty = the output is right.</summary>
    /// <param name="case">What Open vSwitch answered.</param>
    /// <param name="got">The output to judge.</param>
    /// <param name="connectionsOf">A final state whose connections are expected instead of the recorded ones.</param>
    public static List<string> Judge(ConformanceCase @case, ReplayedOutput got, JsonElement? connectionsOf = null)
    {
        List<string> faults = @case.Check switch
        {
            "exact" => Exact(@case, got),
            "group_affinity" => GroupAffinity(@case, got),
            "nat_range" => NatRange(@case, got),
            string other => [$"case.json: unknown check {other}"],
        };
        if (got.Final is not JsonElement final) faults.Add("no final line");
        else if (@case.Check != "nat_range") faults.AddRange(FinalState(@case, final, connectionsOf));
        return faults;
    }

    private static List<string> Exact(ConformanceCase @case, ReplayedOutput got)
    {
        List<string> faults = [];
        foreach (CaseEvent e in @case.Events)
        {
            if (!got.Events.TryGetValue(e.Index, out List<(uint, string)>? have)) faults.Add($"event {e.Index}: no result line");
            else if (!IsRecorded(@case, e, have))
                faults.Add($"event {e.Index} {e.Op} t={e.TimeMs} port={e.Port} in={e.Hex}: expected {Show(@case.Expected.GetValueOrDefault(e.Index) ?? [])}, got {Show(have)}");
        }
        return faults;
    }

    /// <summary>What left at <paramref name="e"/> is what left the recording switch, or the newer one.</summary>
    public static bool IsRecorded(ConformanceCase @case, CaseEvent e, List<(uint Port, string Hex)> have) =>
        SamePerPort(@case.Expected.GetValueOrDefault(e.Index) ?? [], have) ||
        (@case.Alternative.TryGetValue(e.Index, out List<(uint, string)>? newer) && SamePerPort(newer, have));

    /// <summary>Order matters within a port, not between ports.</summary>
    public static bool SamePerPort(List<(uint Port, string Hex)> a, List<(uint Port, string Hex)> b) =>
        a.Count == b.Count && a.OrderBy(o => o.Port).SequenceEqual(b.OrderBy(o => o.Port));

    public static string Show(List<(uint Port, string Hex)> outputs) =>
        outputs.Count == 0 ? "nothing" : string.Join(" ", outputs.Select(o => $"{o.Port}:{o.Hex}"));
}
