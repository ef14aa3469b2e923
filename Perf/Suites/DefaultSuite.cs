namespace Mergeflow.Perf;

/// <summary>What runs without arguments: within two minutes on two cores, build included.</summary>
public static class DefaultSuite
{
    private static readonly OffloadMode[] s_allModes = [OffloadMode.None, OffloadMode.Soft, OffloadMode.Nic];

    private static readonly (string Name, OffloadMode[] Modes)[] s_rows =
    [
        ("s1_uni", [OffloadMode.None]),
        ("s2_1k_uni", [OffloadMode.None]),
        ("s3_k20_uni", [OffloadMode.None]),
        ("s3_k20_uni_emc0", [OffloadMode.None]),
        ("s4_udp_1k_uni", s_allModes),
        ("s4_udp_10k_uni", s_allModes),
        ("s6_udp", [OffloadMode.None]),
    ];

    /// <summary>The rows, all with the same settings.</summary>
    public static IReadOnlyList<ScenarioSpec> Make(BenchSettings settings)
        => [.. s_rows.SelectMany(r => r.Modes.Select(m => ScenarioSpec.Named(r.Name, settings with { Offload = m })))];

    /// <summary>One line about a workload, for <c>--list</c> and the report.</summary>
    public static string About(string name) => ScenarioName.Split(name).Workload.Split('_') switch
    {
        ["s1", ..] => "one flow, port forward",
        ["s2", ..] => "1k flows, 8 megaflows",
        ["s3", var k, ..] => $"100k flows, 4,000 megaflows, {k[1..]} subtables",
        ["s4", var proto, var n, ..] => $"{n} established {proto.ToUpperInvariant()} connections, ct + recirc",
        ["s5", var proto, var n, ..] => $"{n} established {proto.ToUpperInvariant()} connections, SNAT",
        ["s6", "snat", ..] => "every packet a new UDP connection, SNAT",
        ["s6", var proto, ..] => $"every packet a new {proto.ToUpperInvariant()} connection",
        ["s7", ..] => "every packet a new megaflow",
        [TupleExplosion.Name, ..] => "1k flows, and one packet in 16 made to bring 8,192 masks to life",
        ["cps", var proto, ..] => $"{proto.ToUpperInvariant()} connections from first packet to last{(name.Contains("_snat", StringComparison.Ordinal) ? ", SNAT" : "")}",
        _ => "",
    } + (name.Contains("_zipf", StringComparison.Ordinal) ? ", Zipf(1.0)" : "")
      + (name.Contains(ScenarioName.CacheOff, StringComparison.Ordinal) ? ", microflow caches off" : "")
      + (name.Contains(ScenarioName.SoftwareChecksums, StringComparison.Ordinal) ? ", no checksum verdicts from the receiver" : "");
}
