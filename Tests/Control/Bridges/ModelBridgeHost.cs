using Mergeflow.Control.Bridges;

namespace Mergeflow.Tests;

/// <summary>Bridges without packets: what was done is kept as lines.</summary>
internal sealed class ModelBridgeHost : IBridgeHost
{
    public List<string> Done { get; } = [];

    /// <summary>Devices that there are.</summary>
    public HashSet<string> Devices { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<string> DatapathTypes { get; } = ["netdev", "system"];

    public IReadOnlyList<string> InterfaceTypes { get; } = ["internal", "system"];

    public IReadOnlyDictionary<string, string> Capabilities { get; } = new Dictionary<string, string> { ["ct_zero_snat"] = "true" };

    public IHostedBridge Create(BridgeConfig config)
    {
        Done.Add($"+{config.Name}");
        return new ModelBridge(this, config.Name);
    }

    private sealed class ModelBridge(ModelBridgeHost host, string name) : IHostedBridge
    {
        private readonly Dictionary<int, InterfaceConfig> _interfaces = [];

        public ulong DatapathId => 0x0200000000fe;

        public void Add(InterfaceConfig config, int ofport)
        {
            if (config.Type == "system" && !host.Devices.Contains(config.Name)) throw new IOException($"could not open network device {config.Name} (No such device)");
            _interfaces.Add(ofport, config);
            host.Done.Add($"+{name}/{config.Name}={ofport}");
        }

        public void Remove(int ofport)
        {
            host.Done.Add($"-{name}/{_interfaces[ofport].Name}={ofport}");
            _interfaces.Remove(ofport);
        }

        public bool IsThere(int ofport) => _interfaces[ofport].Type != "system" || host.Devices.Contains(_interfaces[ofport].Name);

        public IReadOnlyList<string> Configure(BridgeConfig config, IReadOnlyDictionary<string, int> ofports) => [];

        public InterfaceStatus StatusOf(int ofport) => new() { Mac = "02:00:00:00:00:fe", Mtu = 1500, IfIndex = 5, IsUp = true, HasLink = true, Status = new SortedDictionary<string, string> { ["driver_name"] = "model" } };

        public IReadOnlyDictionary<string, long> StatisticsOf(int ofport) => new Dictionary<string, long> { ["rx_packets"] = 3 };

        public void Dispose() => host.Done.Add($"-{name}");
    }
}
