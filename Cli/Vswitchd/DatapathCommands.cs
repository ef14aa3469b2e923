using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about what packets go by: <c>dpctl/*</c>, <c>dpif/dump-flows</c>, <c>revalidator/*</c>. The datapaths of all bridges answer together, as the one of Open vSwitch does.</summary>
internal sealed class DatapathCommands(Vswitchd vswitchd)
{
    private const string Name = "netdev@ovs-netdev";

    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("dpctl/show", "[-s] [dp...]", 0, int.MaxValue, words => vswitchd.Locked(() => Show(words.Contains("-s"))));
        commands.Add("dpctl/dump-dps", "", 0, 0, static _ => Name + "\n");
        commands.Add("dpctl/dump-flows", "[-m] [--names] [dp] [filter=..] [type=..] [pmd=..]", 0, 6, words => vswitchd.Locked(() => string.Concat(BridgeCommands.All(vswitchd).Select(b => Flows(b, words)))));
        commands.Add("dpif/dump-flows", "[-m] [--names | --no-names] bridge", 1, 4, words => vswitchd.Locked(() => Flows(Find(words[^1]), words)));
        commands.Add("dpctl/dump-conntrack", "[-m] [-s] [dp] [zone=N]", 0, 4, words => vswitchd.Locked(() => Connections(words)));
        commands.Add("dpctl/flush-conntrack", "[dp] [zone=N]", 0, 2, words => vswitchd.Locked(() => Flush(words)));
        commands.Add("dpctl/ct-stats-show", "[dp] [zone=N]", 0, 3, words => vswitchd.Locked(() => Statistics(words)));
        commands.Add("dpctl/ct-get-nconns", "[dp]", 0, 1, _ => vswitchd.Locked(() => BridgeCommands.All(vswitchd).Sum(static b => b.Datapath.Conntrack.Count).ToString(CultureInfo.InvariantCulture) + "\n"));
        commands.Add("dpif/show-dp-features", "bridge", 1, 1, words => vswitchd.Locked(() => Features(Find(words[0]))));
        commands.Add("revalidator/purge", "", 0, 0, _ => vswitchd.Locked(() => OnEach(static b => b.Datapath.PurgeMegaflows(LiveSwitch.NowMs))));
        commands.Add("revalidator/wait", "", 0, 0, _ => vswitchd.Locked(() => OnEach(static b => b.Datapath.Settle(LiveSwitch.NowMs))));
    }

    /// <summary>Packets that needed no upcall: lookups of all passes, as Open vSwitch counts them.</summary>
    internal static ulong HitsOf(in PmdStats stats) => stats.MergedHits + stats.EmcHits + stats.MegaflowHits;

    private string Show(bool withStatistics)
    {
        PmdStats stats = BridgeCommands.All(vswitchd).Aggregate(default(PmdStats), static (sum, b) => sum.Plus(b.Datapath.Stats));
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{Name}:\n  lookups: hit:{HitsOf(stats)} missed:{stats.Upcalls} lost:{stats.UpcallsUninstalled}\n  flows: {BridgeCommands.All(vswitchd).Sum(static b => b.Datapath.MegaflowCount)}\n");
        foreach (string bridge in vswitchd.Bridges.Names)
        {
            foreach ((string port, int ofport) in vswitchd.Bridges.OfportsOf(bridge).OrderBy(static p => p.Value))
            {
                bool isOwn = ofport == OfportAllocator.Local;
                text.Append(CultureInfo.InvariantCulture, $"  port {ofport}: {port}{(isOwn ? " (tap)" : "")}\n");
                if (!withStatistics || vswitchd.Bridges.Find(bridge) is not { } hosted) continue;
                IReadOnlyDictionary<string, long> counted = hosted.StatisticsOf(ofport);
                text.Append(CultureInfo.InvariantCulture, $"    RX packets:{counted["rx_packets"]} errors:? dropped:{Known(counted, "rx_dropped")} overruns:? frame:?\n");
                text.Append(CultureInfo.InvariantCulture, $"    TX packets:{counted["tx_packets"]} errors:? dropped:{Known(counted, "tx_dropped")} aborted:? carrier:?\n    collisions:?\n");
                text.Append(CultureInfo.InvariantCulture, $"    RX bytes:{counted["rx_bytes"]}  TX bytes:{counted["tx_bytes"]}\n");
            }
        }

        return text.ToString();
    }

    /// <summary>What the datapath can, in the words of Open vSwitch.</summary>
    private static string Features(LiveBridge bridge)
        => string.Create(CultureInfo.InvariantCulture, $"""
            Masked set action: Yes
            Tunnel push pop: No
            Ufid: Yes
            Truncate action: Yes
            Clone action: Yes
            Conntrack clear: Yes
            Max dp_hash algorithm: 1
            Check pkt length action: Yes
            Conntrack timeout policy: No
            Max VLAN headers: {(bridge.Datapath.Options.VlanLimit == 0 ? 2 : bridge.Datapath.Options.VlanLimit)}
            Recirc: Yes
            CT state: Yes
            CT zone: Yes
            CT mark: Yes
            CT label: Yes
            CT state NAT: Yes
            CT orig tuple: Yes
            CT orig tuple for IPv6: Yes

            """);

    private static string Known(IReadOnlyDictionary<string, long> counted, string name) => counted.TryGetValue(name, out long value) ? value.ToString(CultureInfo.InvariantCulture) : "?";

    private static string Flows(LiveBridge bridge, IReadOnlyList<string> words)
    {
        bool isVerbose = words.Contains("-m") || words.Contains("--more");
        bool onlyOffloaded = words.Contains("type=offloaded"), noneOffloaded = words.Contains("type=ovs") || words.Contains("type=non-offloaded");
        if (words.FirstOrDefault(static w => w.StartsWith("filter=", StringComparison.Ordinal)) is { } filter) throw new UnixctlException($"{filter}: filters are not supported");
        StringBuilder text = new();
        bridge.Datapath.Settle(LiveSwitch.NowMs);
        foreach (MegaflowInfo flow in bridge.Datapath.DumpMegaflows(LiveSwitch.NowMs))
        {
            bool isOffloaded = bridge.Datapath.Offload is OffloadThread offload && offload.Report.RulesOf(flow.Id).Any(static r => r.State == MergedFlowState.Active);
            if ((onlyOffloaded && !isOffloaded) || (noneOffloaded && isOffloaded)) continue;
            text.Append(DpFlowFormatter.FormatFlow(flow.Key, flow.Mask, flow.Packets, flow.Bytes, flow.IdleMs, flow.TcpFlags, flow.Actions, null, isVerbose, flow.Ufid, isOffloaded)).Append('\n');
        }

        return text.ToString();
    }

    private string Connections(IReadOnlyList<string> words)
    {
        ushort? zone = Zone(words);
        bool withStatistics = words.Contains("-s");
        StringBuilder text = new();
        foreach (ConnInfo connection in BridgeCommands.All(vswitchd).SelectMany(static b => b.Datapath.DumpConnections(LiveSwitch.NowMs)))
        {
            if (zone is null || connection.Zone == zone) text.Append(ConnectionText.Line(connection, withStatistics)).Append('\n');
        }

        return text.ToString();
    }

    private string Flush(IReadOnlyList<string> words)
    {
        ushort? zone = Zone(words);
        return OnEach(b => b.Datapath.FlushConntrack(zone, LiveSwitch.NowMs));
    }

    private string Statistics(IReadOnlyList<string> words)
    {
        ushort? zone = Zone(words);
        ConnInfo[] connections = [.. BridgeCommands.All(vswitchd).SelectMany(static b => b.Datapath.DumpConnections(LiveSwitch.NowMs)).Where(c => zone is null || c.Zone == zone)];
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"Connections Stats:\n    Total: {connections.Length}\n");
        foreach (IGrouping<string, ConnInfo> group in connections.GroupBy(static c => ConnectionText.Proto(c.Proto).ToUpperInvariant()).OrderBy(static g => g.Key, StringComparer.Ordinal)) text.Append(CultureInfo.InvariantCulture, $"  {group.Key}: {group.Count()}\n");
        return text.ToString();
    }

    private static ushort? Zone(IReadOnlyList<string> words)
    {
        if (words.FirstOrDefault(static w => w.StartsWith("zone=", StringComparison.Ordinal)) is not { } word) return null;
        return ushort.TryParse(word.AsSpan("zone=".Length), NumberStyles.None, CultureInfo.InvariantCulture, out ushort zone) ? zone : throw new UnixctlException("failed to parse zone");
    }

    private LiveBridge Find(string name) => vswitchd.Bridges.Find(name) as LiveBridge ?? throw new UnixctlException("no such bridge");

    private string OnEach(Action<LiveBridge> work)
    {
        foreach (LiveBridge bridge in BridgeCommands.All(vswitchd)) work(bridge);
        return "";
    }
}
