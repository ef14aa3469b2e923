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
        commands.Add("dpif/show-dp-features", "bridge", 1, 1, words => vswitchd.Locked(() =>
        {
            Find(words[0]);
            return vswitchd.Features.Show();
        }));
        commands.Add("dpif/set-dp-features", "bridge", 1, 3, words => vswitchd.Locked(() =>
        {
            Find(words[0]);
            return vswitchd.Features.Set(words.ElementAtOrDefault(1), words.ElementAtOrDefault(2));
        }));
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

    private static string Known(IReadOnlyDictionary<string, long> counted, string name) => counted.TryGetValue(name, out long value) ? value.ToString(CultureInfo.InvariantCulture) : "?";

    private string Flows(LiveBridge bridge, IReadOnlyList<string> words)
    {
        bool isVerbose = words.Contains("-m") || words.Contains("--more");
        bool onlyOffloaded = words.Contains("type=offloaded"), noneOffloaded = words.Contains("type=ovs") || words.Contains("type=non-offloaded");
        FlowFilter? filter = FlowFilter.Read(words, vswitchd.Bridges.OfportsOf(bridge.Name), out bool fitsNothing);
        if (fitsNothing) return "";
        StringBuilder text = new();
        bridge.Datapath.Settle(LiveSwitch.NowMs);
        foreach (MegaflowInfo flow in bridge.Datapath.DumpMegaflows(LiveSwitch.NowMs))
        {
            bool isOffloaded = bridge.Datapath.Offload is OffloadThread offload && offload.Report.RulesOf(flow.Id).Any(static r => r.State == MergedFlowState.Active);
            if ((onlyOffloaded && !isOffloaded) || (noneOffloaded && isOffloaded) || filter?.Fits(flow) == false) continue;
            text.Append(DpFlowFormatter.FormatFlow(flow.Key, flow.Mask, flow.Packets, flow.Bytes, flow.IdleMs, flow.TcpFlags, flow.Actions, null, isVerbose, flow.Ufid, isOffloaded)).Append('\n');
        }

        return text.ToString();
    }

    private LiveBridge Find(string name) => vswitchd.Bridges.Find(name) as LiveBridge ?? throw new UnixctlException("no such bridge");

    private string OnEach(Action<LiveBridge> work)
    {
        foreach (LiveBridge bridge in BridgeCommands.All(vswitchd)) work(bridge);
        return "";
    }
}
