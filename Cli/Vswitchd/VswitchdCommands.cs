using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>What <c>ovs-appctl</c> may ask the switch.</summary>
internal static class VswitchdCommands
{
    /// <summary>Release of Open vSwitch whose behaviour is repeated; <c>ovs-ctl</c> compares the last word of the line.</summary>
    private const string OvsVersion = "3.1.0";

    /// <summary>What <c>version</c> begins with.</summary>
    public static string VersionLine => $"ovs-vswitchd (Mergeflow {ProgramVersion.Number}, as Open vSwitch) {OvsVersion}";

    public static void AddTo(UnixctlCommands commands, Vswitchd vswitchd, Vlog log)
    {
        log.AddTo(commands);
        commands.Add("version", "", 0, 0, static _ => VersionLine + "\n");
        commands.Add("exit", "[--cleanup]", 0, 1, arguments =>
        {
            if (arguments is [not "--cleanup"]) throw new UnixctlException($"unknown argument \"{arguments[0]}\"");
            vswitchd.End();
            return "";
        });
        commands.Add("ofproto/list", "", 0, 0, _ => vswitchd.Locked(() => string.Concat(vswitchd.Bridges.Names.Select(static n => n + "\n"))));
        commands.Add("dpif/show", "", 0, 0, _ => vswitchd.Locked(() => Show(vswitchd)));
        commands.Add("dpctl/flush-conntrack", "[dp] [zone=N]", 0, 2, arguments => vswitchd.Locked(() => FlushConntrack(vswitchd, arguments)));
        commands.Add("revalidator/purge", "", 0, 0, _ => vswitchd.Locked(() => OnEach(vswitchd, static b => b.Datapath.PurgeMegaflows(Environment.TickCount64))));
        commands.Add("revalidator/wait", "", 0, 0, _ => vswitchd.Locked(() => OnEach(vswitchd, static b => b.Datapath.Settle(Environment.TickCount64))));
    }

    private static string Show(Vswitchd vswitchd)
    {
        StringBuilder text = new();
        (ulong hit, ulong missed) = (0, 0);
        foreach (LiveBridge bridge in Bridges(vswitchd))
        {
            PmdStats stats = bridge.Datapath.Stats;
            missed += stats.Upcalls;
            hit += stats.Rx - Math.Min(stats.Rx, stats.Upcalls);
        }

        text.Append(CultureInfo.InvariantCulture, $"netdev@ovs-netdev: hit:{hit} missed:{missed}\n");
        foreach (BridgeConfig bridge in vswitchd.Config?.Bridges ?? [])
        {
            if (vswitchd.Bridges.Find(bridge.Name) is null) continue;
            text.Append(CultureInfo.InvariantCulture, $"  {bridge.Name}:\n");
            IReadOnlyDictionary<string, int> ofports = vswitchd.Bridges.OfportsOf(bridge.Name);
            foreach (InterfaceConfig config in bridge.Interfaces.Where(i => ofports.ContainsKey(i.Name)).OrderBy(static i => i.Name, StringComparer.Ordinal))
            {
                int ofport = ofports[config.Name];
                string options = config.Options.Count == 0 ? "" : ": " + string.Join(", ", config.Options.Select(static o => $"{o.Key}={o.Value}"));
                string number = config.Type == "patch" ? "none" : ofport.ToString(CultureInfo.InvariantCulture);
                text.Append(CultureInfo.InvariantCulture, $"    {config.Name} {ofport}/{number}: ({(config.Type == "internal" ? "tap" : config.Type)}{options})\n");
            }
        }

        return text.ToString();
    }

    private static string FlushConntrack(Vswitchd vswitchd, IReadOnlyList<string> arguments)
    {
        ushort? zone = null;
        foreach (string argument in arguments.Where(static a => a.StartsWith("zone=", StringComparison.Ordinal)))
            zone = ushort.TryParse(argument.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) ? number : throw new UnixctlException("failed to parse zone");
        return OnEach(vswitchd, b => b.Datapath.FlushConntrack(zone, Environment.TickCount64));
    }

    private static string OnEach(Vswitchd vswitchd, Action<LiveBridge> work)
    {
        foreach (LiveBridge bridge in Bridges(vswitchd)) work(bridge);
        return "";
    }

    private static IEnumerable<LiveBridge> Bridges(Vswitchd vswitchd) => vswitchd.Bridges.Names.Select(vswitchd.Bridges.Find).OfType<LiveBridge>();
}
