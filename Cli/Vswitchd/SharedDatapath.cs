using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>The datapaths of all bridges of a kind, as the one that Open vSwitch has for them (OVS <c>struct dpif_backer</c>).</summary>
/// <param name="Name"><c>TYPE@NAME</c>.</param>
/// <param name="Bridges">Theirs.</param>
internal sealed record SharedDatapath(string Name, IReadOnlyList<LiveBridge> Bridges)
{
    private const string NetdevName = "netdev@ovs-netdev";
    private const string DummyName = "dummy@ovs-dummy";

    /// <summary>Name of the one that a bridge is in.</summary>
    public static string NameOf(LiveBridge bridge) => bridge.IsDummy ? DummyName : NetdevName;

    /// <summary>Type of its own port, and of those of bridges.</summary>
    public string InternalType => Name == DummyName ? "dummy-internal" : "tap";

    /// <summary>What their packet threads have counted.</summary>
    public PmdStats Stats => Bridges.Aggregate(default(PmdStats), static (sum, b) => sum.Plus(b.Datapath.Stats));

    /// <summary>Its ports by number: which bridge has it, and as which.</summary>
    public IEnumerable<(uint Number, LiveBridge Bridge, int Ofport, string Name)> Ports
        => Bridges.SelectMany(static b => b.DatapathNumbers.Select(n => (n.Value, b, n.Key, b.NameOf(n.Key)))).OrderBy(static p => p.Value);

    /// <summary>Those that a command names among its words, or all; where there is no bridge, there is none but the one without devices that is real.</summary>
    public static IReadOnlyList<SharedDatapath> All(Vswitchd vswitchd, IReadOnlyList<string> words)
    {
        SharedDatapath[] all = [.. BridgeCommands.All(vswitchd).GroupBy(NameOf).OrderBy(static g => g.Key, StringComparer.Ordinal).Select(static g => new SharedDatapath(g.Key, [.. g]))];
        HashSet<string> asked = [.. words.Where(static w => !w.StartsWith('-') && !w.Contains('='))];
        return asked.Count == 0 ? all : [.. all.Where(d => asked.Contains(d.Name))];
    }
}
