using System.Text.RegularExpressions;

namespace Mergeflow.Perf;

/// <summary>A scenario's name taken apart: workload and suffixes, as in the peer's table (<c>S2_1k_uni_emc0</c>).</summary>
/// <param name="Full">Lower case, with suffixes.</param>
/// <param name="Workload">Name of the workload.</param>
/// <param name="CacheOn">Microflow caches on: no <c>_emc0</c>.</param>
/// <param name="HardwareChecksums">The receiver reports checksum verdicts: no <c>_sw</c>.</param>
public sealed record ScenarioName(string Full, string Workload, bool CacheOn, bool HardwareChecksums)
{
    /// <summary>Suffix: microflow caches off.</summary>
    public const string CacheOff = "_emc0";

    /// <summary>Suffix: no checksum verdicts.</summary>
    public const string SoftwareChecksums = "_sw";

    private static readonly Dictionary<string, string> s_aliases = new()
    {
        // The peer's names for the same captures.
        ["s1_replay"] = "s1_uni",
        ["s6_newconn_udp"] = "s6_udp",
        ["s6_newconn_tcp"] = "s6_tcp",
        ["s6_newconn_udp_snat"] = "s6_snat",
        ["s7_upcall"] = "s7",
    };

    /// <summary>Every workload.</summary>
    public static IReadOnlyList<string> AllNames { get; } = [.. WorkloadRecipe.Names, .. ConnectionLifecycle.Names, TupleExplosion.Name];

    /// <summary>Each frame is new: connections or megaflows are set up, and one pass over the frames is one run.</summary>
    public bool OneShot => IsOneShot(Full);

    /// <summary>True for the set-up rate scenarios S6, S7 and cps, under any name.</summary>
    public static bool IsOneShot(string name) => name.StartsWith("s6", StringComparison.OrdinalIgnoreCase) || name.StartsWith("s7", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("cps", StringComparison.OrdinalIgnoreCase);

    /// <summary>Takes a name apart; <c>_uni</c> may be left out.</summary>
    /// <exception cref="PerfException">There is no such workload.</exception>
    public static ScenarioName Parse(string name)
    {
        ScenarioName split = Split(name);
        string workload = s_aliases.GetValueOrDefault(split.Workload, split.Workload);
        if (!AllNames.Contains(workload)) workload += "_uni";
        if (!AllNames.Contains(workload)) throw PerfException.Usage($"unknown scenario \"{name}\" (see --list)");
        string full = workload + (split.CacheOn ? "" : CacheOff) + (split.HardwareChecksums ? "" : SoftwareChecksums);
        return new ScenarioName(full, workload, split.CacheOn, split.HardwareChecksums);
    }

    /// <summary>Takes the suffixes off; the workload may be unknown.</summary>
    public static ScenarioName Split(string name)
    {
        string workload = name.Trim().ToLowerInvariant();
        string full = workload;
        bool cacheOn = true;
        bool hardwareChecksums = true;
        for (bool again = true; again;)
        {
            again = false;
            if (workload.EndsWith(CacheOff, StringComparison.Ordinal)) (workload, cacheOn, again) = (workload[..^CacheOff.Length], false, true);
            if (workload.EndsWith(SoftwareChecksums, StringComparison.Ordinal)) (workload, hardwareChecksums, again) = (workload[..^SoftwareChecksums.Length], false, true);
        }

        return new ScenarioName(full, workload, cacheOn, hardwareChecksums);
    }

    /// <summary>Names that fit a pattern with <c>*</c>; a name without one stays itself.</summary>
    /// <exception cref="PerfException">Nothing fits.</exception>
    public static IReadOnlyList<string> Expand(string pattern)
    {
        if (!pattern.Contains('*')) return [pattern];
        var fits = new Regex("^" + Regex.Escape(pattern.ToLowerInvariant()).Replace("\\*", ".*") + "$", RegexOptions.CultureInvariant);
        string[] names = [.. AllNames.Where(n => fits.IsMatch(n))];
        return names.Length > 0 ? names : throw PerfException.Usage($"no scenario fits \"{pattern}\" (see --list)");
    }
}
