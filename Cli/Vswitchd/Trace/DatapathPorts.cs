using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Ports of all bridges as the datapath numbers them.</summary>
internal sealed class DatapathPorts
{
    private readonly Dictionary<uint, (LiveBridge Bridge, uint Ofport)> _ports = [];
    private readonly Dictionary<string, uint> _numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<LiveBridge, PortNames> _names = [];
    private readonly List<LiveBridge> _bridges = [];

    private DatapathPorts()
    {
    }

    /// <summary>Names and numbers in the datapath.</summary>
    public PortNames Names { get; private set; } = PortNames.None;

    public static DatapathPorts Of(Vswitchd vswitchd)
    {
        DatapathPorts found = new();
        foreach (LiveBridge bridge in BridgeCommands.All(vswitchd))
        {
            IReadOnlyDictionary<string, int> ofports = vswitchd.Bridges.OfportsOf(bridge.Name);
            found._bridges.Add(bridge);
            found._names.Add(bridge, new PortNames(ofports.ToDictionary(static p => p.Key, static p => (uint)p.Value)));
            foreach ((string name, int ofport) in ofports)
            {
                found._ports.TryAdd((uint)ofport, (bridge, (uint)ofport));
                found._numbers.TryAdd(name, (uint)ofport);
            }
        }

        found.Names = new PortNames(found._numbers);
        return found;
    }

    public bool IsDatapath(string name) => name is "netdev@ovs-netdev" or "ovs-netdev" or "netdev" or "dummy" or "ovs-dummy";

    public (LiveBridge Bridge, uint Ofport)? Find(uint number) => _ports.TryGetValue(number, out (LiveBridge, uint) port) ? port : null;

    public PortNames NamesOf(LiveBridge bridge) => _names[bridge];

    public (LiveBridge Bridge, uint Ofport)? TunnelOf(in FlowKey key) => null;

    public PortNames Told(LiveBridge bridge, bool byName) => byName ? NamesOf(bridge) : PortNames.None;
}
