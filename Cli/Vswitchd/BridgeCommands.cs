using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Mergeflow.Control.Tracing;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about bridges: <c>ofproto/*</c>, <c>bridge/*</c>, <c>dpif/show</c>.</summary>
internal sealed class BridgeCommands(Vswitchd vswitchd)
{
    private const string Actions = "actions=";

    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("ofproto/list", "", 0, 0, _ => vswitchd.Locked(() => string.Concat(vswitchd.Bridges.Names.Select(static n => n + "\n"))));
        commands.Add("bridge/dump-flows", "[--offload-stats] bridge", 1, 2, words => vswitchd.Locked(() => DumpFlows(Find(vswitchd, words[^1], "Unknown bridge"), words.Contains("--offload-stats"))));
        commands.Add("bridge/reconnect", "[bridge]", 0, 1, words => vswitchd.Locked(() =>
        {
            foreach (LiveBridge bridge in words.Count > 0 ? [Find(vswitchd, words[0], "Unknown bridge")] : All(vswitchd)) bridge.Reconnect();
            return "";
        }));
        commands.Add("ofproto/trace", "{[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet]", 1, int.MaxValue, words => vswitchd.Locked(() => OfprotoTrace.Write(Traced(), words, LiveSwitch.NowMs)));
        commands.Add("ofproto/trace-packet-out", "[-consistent] {[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet] actions", 2, int.MaxValue, words => vswitchd.Locked(() => OfprotoTrace.WritePacketOut(Traced(), words, LiveSwitch.NowMs)));
        commands.Add("dpif/show", "", 0, 0, _ => vswitchd.Locked(Show));
        commands.Add("dpif/dump-dps", "", 0, 0, _ => vswitchd.Locked(() => string.Concat(All(vswitchd).Select(static b => $"{(b.IsDummy ? "dummy" : "netdev")}@{b.Name}\n"))));
    }

    private List<TraceBridge> Traced()
    {
        List<TraceBridge> bridges = [];
        foreach (LiveBridge bridge in All(vswitchd))
        {
            IEnumerable<TracePort> ports = vswitchd.Bridges.OfportsOf(bridge.Name).Select(p => new TracePort(p.Key, (uint)p.Value, bridge.DatapathNumbers.TryGetValue(p.Value, out uint number) ? number : null));
            bridges.Add(new TraceBridge(bridge.Name, bridge.Bridge, SharedDatapath.NameOf(bridge), [.. ports]) { LacksTruncation = !vswitchd.Features.Truncates, DatapathPorts = bridge.Shared.Numbers.Names });
        }

        return bridges;
    }

    private static string DumpFlows(LiveBridge bridge, bool withOffload)
    {
        bridge.Datapath.Settle(LiveSwitch.NowMs);
        FlowTextFormatter formatter = new();
        StringBuilder text = new();
        foreach (OfRule rule in bridge.Pipeline.Rules)
        {
            long seconds = Math.Max(0, LiveSwitch.NowMs - rule.CreatedMs) / 1000;
            text.Append(CultureInfo.InvariantCulture, $"duration={seconds}s, n_packets={rule.Packets}, n_bytes={rule.Bytes}, ");

            // How many of a rule's packets merged rules have carried is not known; without an offload, none.
            if (withOffload && bridge.Datapath.Offload is null) text.Append("n_offload_packets=0, n_offload_bytes=0, ");

            // A comma stands before the actions here.
            string line = formatter.FormatWithoutStats(rule);
            int at = line.IndexOf(Actions, StringComparison.Ordinal);
            text.Append(CultureInfo.InvariantCulture, $"{line.AsSpan(0, Math.Max(0, at - 1))},{line.AsSpan(at)}\n");
        }

        return text.ToString();
    }

    private string Show() => string.Concat(SharedDatapath.All(vswitchd, []).Select(ShowDatapath));

    private string ShowDatapath(SharedDatapath datapath)
    {
        PmdStats stats = datapath.Stats;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{datapath.Name}: hit:{DatapathCommands.HitsOf(stats)} missed:{stats.Upcalls}\n");
        foreach (BridgeConfig bridge in vswitchd.Config?.Bridges ?? [])
        {
            if (datapath.Bridges.FirstOrDefault(b => b.Name == bridge.Name) is not { } live) continue;
            text.Append(CultureInfo.InvariantCulture, $"  {bridge.Name}:\n");
            IReadOnlyDictionary<string, int> ofports = vswitchd.Bridges.OfportsOf(bridge.Name);
            foreach (InterfaceConfig config in bridge.Interfaces.Where(i => ofports.ContainsKey(i.Name)).OrderBy(static i => i.Name, StringComparer.Ordinal))
            {
                int ofport = ofports[config.Name];
                string number = live.DatapathNumbers.TryGetValue(ofport, out uint known) ? known.ToString(CultureInfo.InvariantCulture) : "none";
                string options = live.ShownOptionsOf(ofport);
                text.Append(CultureInfo.InvariantCulture, $"    {config.Name} {ofport}/{number}: ({live.ShownTypeOf(ofport)}{(options.Length == 0 ? "" : $": {options}")})\n");
            }
        }

        return text.ToString();
    }

    /// <summary>All bridges that move packets.</summary>
    internal static IEnumerable<LiveBridge> All(Vswitchd vswitchd) => vswitchd.Bridges.Names.Select(vswitchd.Bridges.Find).OfType<LiveBridge>();

    /// <summary>The bridge of a name.</summary>
    /// <exception cref="UnixctlException">There is none: <paramref name="otherwise"/>.</exception>
    internal static LiveBridge Find(Vswitchd vswitchd, string name, string otherwise = "no such bridge") => vswitchd.Bridges.Find(name) as LiveBridge ?? throw new UnixctlException(otherwise);
}
