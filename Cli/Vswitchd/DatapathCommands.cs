using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Mergeflow.Control.Tracing;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about what packets go by: <c>dpctl/*</c>, <c>dpif/dump-flows</c>, <c>revalidator/*</c>. The datapaths of all bridges answer together, as the one of Open vSwitch does.</summary>
internal sealed class DatapathCommands(Vswitchd vswitchd)
{
    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("dpctl/show", "[-s] [dp...]", 0, int.MaxValue, words => vswitchd.Locked(() => ShowAll(words)));
        commands.Add("dpctl/dump-dps", "", 0, 0, _ => vswitchd.Locked(() => string.Concat(SharedDatapath.All(vswitchd, [], withManual: true).Select(static d => d.Name + "\n"))));
        commands.Add("dpctl/dump-flows", "[-m] [--names] [dp] [filter=..] [type=..] [pmd=..]", 0, 6, words => vswitchd.Locked(() => AllFlows(words)));
        commands.Add("dpif/dump-flows", "[-m] [--names | --no-names] bridge", 1, 4, words => vswitchd.Locked(() => FlowsOf(Find(words[^1]), words)));
        commands.Add("dpctl/get-flow", "[-m] [--names] [dp] ufid:..", 1, 4, words => vswitchd.Locked(() => Flow(words)));
        commands.Add("dpif/show-dp-features", "bridge", 1, 1, words => vswitchd.Locked(() =>
        {
            Find(words[0]);
            return vswitchd.Features.Show();
        }));
        commands.Add("dpif/set-dp-features", "bridge", 1, 3, words => vswitchd.Locked(() =>
        {
            Find(words[0]);
            string answer = vswitchd.Features.Set(words.ElementAtOrDefault(1), words.ElementAtOrDefault(2));
            foreach (LiveBridge bridge in BridgeCommands.All(vswitchd))
            {
                DatapathFeatures features = vswitchd.Features;
                if (bridge.Pipeline.PushesTunnels == features.PushesTunnels && bridge.Pipeline.CloneOp == features.CloneOp && bridge.Pipeline.AddsLabels == features.AddsLabels) continue;
                (bridge.Pipeline.PushesTunnels, bridge.Pipeline.CloneOp, bridge.Pipeline.AddsLabels) = (features.PushesTunnels, features.CloneOp, features.AddsLabels);
                bridge.Datapath.PurgeMegaflows(LiveSwitch.NowMs);
            }

            return answer;
        }));
    }

    /// <summary>The port that is the datapath's own sends and receives nothing.</summary>
    private const string NoStatistics = "    RX packets:0 errors:? dropped:? overruns:? frame:?\n    TX packets:0 errors:? dropped:? aborted:? carrier:?\n    collisions:?\n    RX bytes:0  TX bytes:0\n";

    private static readonly string[] s_flowTypes = ["ovs", "tc", "dpdk", "offloaded", "non-offloaded", "partially-offloaded", "all"];

    /// <summary>Packets that needed no upcall: lookups of all passes, as Open vSwitch counts them.</summary>
    internal static ulong HitsOf(in PmdStats stats) => stats.MergedHits + stats.EmcHits + stats.MegaflowHits;

    private string ShowAll(IReadOnlyList<string> words)
    {
        string[] names = [.. words.Where(static w => !w.StartsWith('-'))];
        bool withStatistics = words.Contains("-s") || words.Contains("--statistics");
        if (names.Length == 0) return string.Concat(SharedDatapath.All(vswitchd, [], withManual: true).Select(d => Show(d, withStatistics)));
        StringBuilder text = new();
        bool isWrong = false;
        foreach (string name in names)
        {
            SharedDatapath? datapath = SharedDatapath.Find(vswitchd, name);
            isWrong |= datapath is null;
            text.Append(datapath is null ? $"ovs-vswitchd: opening datapath {name} failed (No such device)\n" : Show(datapath, withStatistics));
        }

        return isWrong ? throw new UnixctlException(text.ToString()) : text.ToString();
    }

    private string Show(SharedDatapath datapath, bool withStatistics)
    {
        PmdStats stats = datapath.Stats;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{datapath.Name}:\n  lookups: hit:{HitsOf(stats)} missed:{stats.Upcalls} lost:{stats.UpcallsUninstalled}\n  flows: {datapath.Datapath.MegaflowCount}\n");
        if (datapath.Manual is { } manual)
        {
            foreach ((uint number, LivePort port) in manual.Ports) text.Append(CultureInfo.InvariantCulture, $"  port {number}: {port.Name}{(port.Type == "system" ? "" : $" ({port.Type})")}\n");
            return text.ToString();
        }

        text.Append(CultureInfo.InvariantCulture, $"  port 0: {datapath.Name[(datapath.Name.IndexOf('@') + 1)..]} ({datapath.InternalType})\n");
        if (withStatistics) text.Append(NoStatistics);
        foreach ((uint number, LiveBridge bridge, int ofport, string name) in datapath.Ports)
        {
            string type = bridge.ShownTypeOf(ofport);
            text.Append(CultureInfo.InvariantCulture, $"  port {number}: {name}{(type == "system" ? "" : $" ({type})")}\n");
            if (!withStatistics) continue;
            IReadOnlyDictionary<string, long> counted = bridge.StatisticsOf(ofport);
            text.Append(CultureInfo.InvariantCulture, $"    RX packets:{counted["rx_packets"]} errors:? dropped:{Known(counted, "rx_dropped")} overruns:? frame:?\n");
            text.Append(CultureInfo.InvariantCulture, $"    TX packets:{counted["tx_packets"]} errors:? dropped:{Known(counted, "tx_dropped")} aborted:? carrier:?\n    collisions:?\n");
            text.Append(CultureInfo.InvariantCulture, $"    RX bytes:{counted["rx_bytes"]}  TX bytes:{counted["tx_bytes"]}\n");
        }

        return text.ToString();
    }

    private static string Known(IReadOnlyDictionary<string, long> counted, string name) => counted.TryGetValue(name, out long value) ? value.ToString(CultureInfo.InvariantCulture) : "?";

    private string AllFlows(IReadOnlyList<string> words)
    {
        SharedDatapath datapath = SharedDatapath.Open(vswitchd, [.. words.Where(static w => !w.StartsWith('-') && !IsChoice(w))], most: 1);
        FlowFilter.Read(words, datapath.Live.NumbersByName, out _);
        string? types = words.FirstOrDefault(static w => w.StartsWith("type=", StringComparison.Ordinal))?["type=".Length..];
        foreach (string type in types?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            if (!s_flowTypes.Contains(type)) throw ConntrackCommands.Invalid($"Failed to parse type ({type})");
        }

        return AllFlows(datapath, words);
    }

    private static bool IsChoice(string word) => word.StartsWith("filter=", StringComparison.Ordinal) || word.StartsWith("type=", StringComparison.Ordinal) || word.StartsWith("pmd=", StringComparison.Ordinal);

    /// <summary>The flows of each packet thread behind a line that names it, unless one is asked for (<c>pmd=CORE</c>, -1 = the main thread).</summary>
    private string AllFlows(SharedDatapath datapath, IReadOnlyList<string> words)
    {
        string? asked = words.FirstOrDefault(static w => w.StartsWith("pmd=", StringComparison.Ordinal))?["pmd=".Length..];
        StringBuilder text = new();
        ILookup<int, MegaflowInfo> all = Dump(datapath).ToLookup(static f => MegaflowId.PmdOf(f.Id));
        foreach ((int pmd, int core) in datapath.Live.Pmds.Threads.Select(static t => (t.Index, t.Cpu.Cpu)).Append((DatapathPmds.Main, -1)))
        {
            string number = core.ToString(CultureInfo.InvariantCulture);
            if (asked is not null && asked != number) continue;
            string flows = Flows(datapath, words, all[pmd]);
            if (flows.Length > 0 && asked is null) text.Append(core < 0 ? "flow-dump from the main thread:\n" : $"flow-dump from pmd on cpu core: {number}\n");
            text.Append(flows);
        }

        return text.ToString();
    }

    private string Flow(IReadOnlyList<string> words)
    {
        if (!words[^1].StartsWith("ufid:", StringComparison.Ordinal) || !Guid.TryParse(words[^1].AsSpan("ufid:".Length), out Guid ufid)) throw new UnixctlException("ovs-vswitchd: failed to parse ufid (Invalid argument)");
        string text = string.Concat(SharedDatapath.All(vswitchd, [.. words.SkipLast(1)]).Select(d => Flows(d, words, Dump(d).Where(f => f.Ufid == ufid))));
        return text.Length > 0 ? text : throw new UnixctlException("ovs-vswitchd: getting flow (No such file or directory)");
    }

    /// <summary>Flows of packets that come by a port of the bridge, or go on in its tables (OVS <c>ofproto_unixctl_dpif_dump_flows</c>).</summary>
    private string FlowsOf(LiveBridge bridge, IReadOnlyList<string> words)
    {
        SharedDatapath datapath = SharedDatapath.All(vswitchd, []).First(d => d.Live == bridge.Shared);
        return Flows(datapath, words, Dump(datapath).Where(f => datapath.Datapath.BridgeOf(f.Key) == bridge.Bridge), isOfBridge: true);
    }

    /// <summary>All megaflows of a datapath as they are now, in the order in which they came.</summary>
    private static IOrderedEnumerable<MegaflowInfo> Dump(SharedDatapath datapath)
    {
        datapath.Datapath.EndDoubts(LiveSwitch.NowMs);
        return datapath.Datapath.DumpMegaflows(LiveSwitch.NowMs).OrderBy(static f => f.Order);
    }

    /// <summary>As text, a line each.</summary>
    /// <param name="datapath">Whose flows.</param>
    /// <param name="words">Words of the command.</param>
    /// <param name="flows">Those of them that are asked for, as far as words do not say so.</param>
    /// <param name="isOfBridge">In the form of <c>dpif/dump-flows</c>, which names no layer.</param>
    private string Flows(SharedDatapath datapath, IReadOnlyList<string> words, IEnumerable<MegaflowInfo> flows, bool isOfBridge = false)
    {
        bool isVerbose = words.Contains("-m") || words.Contains("--more");
        bool onlyOffloaded = words.Contains("type=offloaded"), noneOffloaded = words.Contains("type=ovs") || words.Contains("type=non-offloaded");
        FlowFilter? filter = FlowFilter.Read(words, datapath.Live.NumbersByName, out bool fitsNothing);
        if (fitsNothing) return "";
        StringBuilder text = new();
        PortNames ports = datapath.Live.PortNames(byName: words.Contains("--names") || (isVerbose && !words.Contains("--no-names")));
        foreach (MegaflowInfo flow in flows)
        {
            bool isOffloaded = datapath.Datapath.Offload is OffloadThread offload && offload.Report.HasActiveRule(flow.Id);
            if ((onlyOffloaded && !isOffloaded) || (noneOffloaded && isOffloaded) || filter?.Fits(flow) == false) continue;

            (ulong packets, ulong bytes, long? idleMs, ushort flags) = OwnCountersOf(flow);
            if (isOfBridge && isVerbose) text.Append(CultureInfo.InvariantCulture, $"ufid:{flow.Ufid} ");
            string line = DpFlowFormatter.FormatFlow(flow.Key, flow.Mask, packets, bytes, idleMs, flags, flow.Actions, ports, isVerbose, isOfBridge ? null : flow.Ufid, isOffloaded && !isOfBridge, isOfBridge ? "" : "ovs", hasPacketType: !flow.IsGiven, isBare: datapath.Datapath.Recirc.IsBare(flow.Key.RecircId.Host));
            text.Append(datapath.Live.IsDummy && SlowPath.IsAction(flow.Actions, flow.IsSlowByOrder, !vswitchd.Features.Truncates) ? Slow(line) : line).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>What a megaflow has counted: the packet that made it was not its own yet.</summary>
    internal static (ulong Packets, ulong Bytes, long? IdleMs, ushort TcpFlags) OwnCountersOf(MegaflowInfo flow)
        => flow.IsGiven ? (flow.Packets, flow.Bytes, flow.IdleMs, flow.TcpFlags) : flow.Packets <= 1 ? (0, 0, null, 0) : (flow.Packets - 1, flow.Bytes - Math.Min(flow.Bytes, (ulong)flow.LengthBytes), flow.IdleMs, flow.TcpFlags);

    /// <summary>A datapath without devices says of such flows what Open vSwitch's says.</summary>
    private static string Slow(string line)
    {
        const string actions = ", actions:";
        return string.Concat(line.AsSpan(0, line.LastIndexOf(actions, StringComparison.Ordinal)), actions, "userspace(pid=0,slow_path(action))");
    }

    private LiveBridge Find(string name) => BridgeCommands.Find(vswitchd, name);
}
