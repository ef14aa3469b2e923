using System.Text.Json;

namespace Mergeflow.Tests;

/// <summary>
/// The right answer where the recorded one repeats a fault of Open vSwitch 3.1, or the rhythm of the recording: <c>none.json</c> of a case. <c>events</c>
/// has what leaves at the events that differ, and at no others; <c>final</c> the differences of counters and connections as the judge words them.
/// </summary>
internal sealed class ShippedAnswer
{
    private readonly SortedDictionary<long, List<(uint Port, string Hex)>> _events = [];
    private readonly List<string> _final;

    private ShippedAnswer(JsonElement root)
    {
        foreach (JsonElement e in root.GetProperty("events").EnumerateArray())
            _events.Add(e.GetProperty("i").GetInt64(), [.. e.GetProperty("out").EnumerateArray().Select(o => (o[0].GetUInt32(), o[1].GetString()!))]);
        _final = [.. root.GetProperty("final").EnumerateArray().Select(f => f.GetString()!)];
    }

    /// <summary>Number of differences from the recording.</summary>
    public int Count => _events.Count + _final.Count;

    /// <summary>The answer beside the case; null where the recorded one is right.</summary>
    public static ShippedAnswer? Read(ConformanceCase @case)
    {
        string path = Path.Combine(@case.Directory, "none.json");
        if (!File.Exists(path)) return null;
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        return new ShippedAnswer(document.RootElement);
    }

    /// <summary>Every deviation, one line each: from the listed answer, of what is listed from the recording, and of the rest from the recording.</summary>
    public List<string> Judge(ConformanceCase @case, ReplayedOutput got)
    {
        List<string> faults = [];
        foreach (CaseEvent e in @case.Events)
        {
            if (!got.Events.TryGetValue(e.Index, out List<(uint Port, string Hex)>? have)) faults.Add($"event {e.Index}: no result line");
            else if (_events.TryGetValue(e.Index, out List<(uint Port, string Hex)>? want))
            {
                if (ConformanceJudge.IsRecorded(@case, e, have)) faults.Add($"event {e.Index}: is as recorded, but listed as different");
                else if (!ConformanceJudge.SamePerPort(want, have)) faults.Add($"event {e.Index}: expected {ConformanceJudge.Show(want)}, got {ConformanceJudge.Show(have)}");
            }
            else if (!ConformanceJudge.IsRecorded(@case, e, have))
                faults.Add($"event {e.Index} {e.Op} t={e.TimeMs} port={e.Port} in={e.Hex}: not as recorded, and not listed: {ConformanceJudge.Show(have)}");
        }

        if (got.Final is not JsonElement final) return [.. faults, "no final line"];
        List<string> differences = ConformanceJudge.FinalState(@case, final, null);
        faults.AddRange(differences.Except(_final).Select(f => $"not listed: {f}"));
        faults.AddRange(_final.Except(differences).Select(f => $"listed, but not so: {f}"));
        return faults;
    }
}
