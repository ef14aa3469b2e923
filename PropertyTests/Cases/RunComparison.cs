namespace Mergeflow.PropertyTests;

/// <summary>Where two runs of a case differ.</summary>
internal static class RunComparison
{
    /// <summary>
    /// The first differences, as text; empty = the same. If <paramref name="want"/> became ambiguous, only what left before that is compared.
    /// </summary>
    public static IReadOnlyList<string> Differences(FuzzCase @case, RunResult want, RunResult got, bool withConnectionCounters = false)
    {
        List<string> faults = [];
        int comparable = Math.Min(want.AmbiguousFrom, @case.Events.Count);
        for (int i = 0; i < comparable && faults.Count < 5; i++)
        {
            if (want.Outputs[i].SequenceEqual(got.Outputs[i])) continue;
            FuzzEvent e = @case.Events[i];
            faults.Add($"event {i} t={e.TimeMs} {e.Op} port={e.Port} {Convert.ToHexStringLower(e.Frame)}\n  want {Show(want.Outputs[i])}\n  got  {Show(got.Outputs[i])}");
        }

        if (got.RulesLeft > 0) faults.Add($"{got.RulesLeft} merged rules outlived what they depend on");
        faults.AddRange(got.Drifts.Take(5));
        if (want.Ambiguity is not null) return faults;
        foreach (ulong cookie in want.Rules.Keys.Union(got.Rules.Keys))
        {
            string w = Counter(want, cookie), g = Counter(got, cookie);
            if (w != g) faults.Add($"rule 0x{cookie:x}: want {w}, got {g}");
        }

        foreach (string conn in want.Connections.Keys.Union(got.Connections.Keys))
        {
            bool wanted = want.Connections.TryGetValue(conn, out long w), has = got.Connections.TryGetValue(conn, out long g);
            if (wanted != has) faults.Add($"connection {(wanted ? "missing" : "extra")}: {conn}");
            else if (w != g) faults.Add($"connection timeout: want {w}, got {g}: {conn}");
        }

        if (!withConnectionCounters) return faults;
        foreach ((uint port, string count) in want.Ports)
        {
            if (got.Ports[port] != count) faults.Add($"port {port}: want {count}, got {got.Ports[port]}");
        }

        foreach ((string conn, string count) in want.ConnectionCounters)
        {
            if (got.ConnectionCounters.TryGetValue(conn, out string? other) && other != count) faults.Add($"connection packets/bytes: want {count}, got {other}: {conn}");
        }

        return faults;
    }

    private static string Counter(RunResult run, ulong cookie)
        => run.Rules.TryGetValue(cookie, out (ulong Packets, ulong Bytes) c) ? $"{c.Packets} packets {c.Bytes} bytes" : "no such rule";

    private static string Show(IReadOnlyList<string> outputs) => outputs.Count == 0 ? "nothing" : string.Join(' ', outputs);
}
