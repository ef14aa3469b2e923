using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>A datapath and the bridges in it (OVS <c>struct dpif_backer</c>).</summary>
/// <param name="Name"><c>TYPE@NAME</c>.</param>
/// <param name="Live">What runs.</param>
/// <param name="Bridges">Those in it.</param>
/// <param name="Manual">It was made by hand, and no bridge is in it; null = bridges are.</param>
internal sealed record SharedDatapath(string Name, LiveDatapath Live, IReadOnlyList<LiveBridge> Bridges, ManualDatapath? Manual = null)
{
    private const string NetdevName = "netdev@ovs-netdev";
    private const string DummyName = "dummy@ovs-dummy";

    /// <summary>Names by which people call the datapath of all bridges.</summary>
    private static readonly string[] s_names = [NetdevName, "ovs-netdev", "system@ovs-system", "ovs-system", DummyName, "ovs-dummy"];

    /// <summary>Name of the one that a bridge is in.</summary>
    public static string NameOf(LiveBridge bridge) => bridge.IsDummy ? DummyName : NetdevName;

    /// <summary>Type of its own port, and of those of bridges.</summary>
    public string InternalType => Name == DummyName ? "dummy-internal" : "tap";

    /// <summary>Its tables, threads and connections.</summary>
    public Datapath Datapath => Live.Datapath;

    /// <summary>What its packet threads have counted.</summary>
    public PmdStats Stats => Datapath.Stats;

    /// <summary>Its ports by number: which bridge has it, and as which.</summary>
    public IEnumerable<(uint Number, LiveBridge Bridge, int Ofport, string Name)> Ports
        => Bridges.SelectMany(static b => b.DatapathNumbers.Select(n => (n.Value, b, n.Key, b.NameOf(n.Key)))).DistinctBy(static p => p.Value).OrderBy(static p => p.Value);

    /// <summary>Whether a name is that of a datapath which bridges are in, or will be.</summary>
    public static bool IsOfBridges(string name) => name is NetdevName or DummyName;

    /// <summary>Whether people call the datapath of all bridges so, whichever there is.</summary>
    public static bool IsCalled(string name) => s_names.Contains(name);

    /// <summary>The one of a name; null = there is none.</summary>
    public static SharedDatapath? Find(Vswitchd vswitchd, string name) => All(vswitchd, [], withManual: true).FirstOrDefault(d => d.Name == name);

    /// <summary>The one that a command names by its first word, or else the only one that there is (OVS <c>opt_dpif_open</c>).</summary>
    /// <param name="vswitchd">The switch.</param>
    /// <param name="words">Of the command, without options.</param>
    /// <param name="most">With so many words the first one has to be a datapath.</param>
    /// <exception cref="UnixctlException">There is none, or there are several.</exception>
    public static SharedDatapath Open(Vswitchd vswitchd, IReadOnlyList<string> words, int most)
    {
        if (words.Count > 0 && Find(vswitchd, words[0]) is { } named) return named;
        IReadOnlyList<SharedDatapath> all = All(vswitchd, [], withManual: true);
        if (words.Count > 0 && IsCalled(words[0]) && all.Count > 0) return all[0];
        if (words.Count != most && all.Count == 1) return all[0];
        string why = words.Count == most ? "" : all.Count == 0 ? "ovs-vswitchd: no datapaths exist\n" : "ovs-vswitchd: multiple datapaths, specify one\n";
        throw new UnixctlException($"{why}ovs-vswitchd: datapath not found (Invalid argument)\n");
    }

    /// <summary>Those that a command names among its words, or those that bridges are in.</summary>
    /// <param name="vswitchd">The switch.</param>
    /// <param name="words">Of the command.</param>
    /// <param name="withManual">Without a name also those that were made by hand.</param>
    public static IReadOnlyList<SharedDatapath> All(Vswitchd vswitchd, IReadOnlyList<string> words, bool withManual = false)
    {
        SharedDatapath[] manual = [.. (vswitchd.Manual?.All ?? []).Select(static m => new SharedDatapath(m.FullName, m.Live, [], m))];
        SharedDatapath[] all = [.. BridgeCommands.All(vswitchd).GroupBy(static b => b.Shared).Select(static g => new SharedDatapath(NameOf(g.First()), g.Key, [.. g])).OrderBy(static d => d.Name, StringComparer.Ordinal)];
        HashSet<string> asked = [.. words.Where(static w => !w.StartsWith('-') && !w.Contains('='))];
        return asked.Count > 0 ? [.. all.Concat(manual).Where(d => asked.Contains(d.Name))] : withManual ? [.. all, .. manual] : all;
    }
}
