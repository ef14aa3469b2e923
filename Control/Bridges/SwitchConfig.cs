using Mergeflow.Control.OpenFlow;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Control.Bridges;

/// <summary>What the database wants of the switch.</summary>
public sealed record SwitchConfig
{
    /// <summary>Row of <c>Open_vSwitch</c>.</summary>
    public required Guid Root { get; init; }

    /// <summary>Number of this configuration: written back when it is carried out.</summary>
    public required long NextCfg { get; init; }

    /// <summary>Settings of the switch as a whole.</summary>
    public required IReadOnlyDictionary<string, string> OtherConfig { get; init; }

    /// <summary>Keys for connections by TLS; null = the database has none.</summary>
    public OfTlsFiles? Tls { get; init; }

    /// <summary>How long connections of zones may be silent.</summary>
    public ZoneTimeouts ZoneTimeouts { get; init; } = new();

    /// <summary>By name.</summary>
    public required IReadOnlyList<BridgeConfig> Bridges { get; init; }
}

/// <summary>A bridge that is wanted.</summary>
public sealed record BridgeConfig
{
    /// <summary>Its row.</summary>
    public required Guid Id { get; init; }

    /// <summary>Its name; its own port has it too.</summary>
    public required string Name { get; init; }

    /// <summary><c>netdev</c>, <c>system</c>, ...</summary>
    public string DatapathType { get; init; } = "system";

    /// <summary><c>secure</c>, or any other = standalone.</summary>
    public bool IsSecure { get; init; }

    /// <summary>OpenFlow versions that are spoken, as the database names them; none = all.</summary>
    public IReadOnlyList<string> Protocols { get; init; } = [];

    /// <summary>Settings of the bridge.</summary>
    public IReadOnlyDictionary<string, string> OtherConfig { get; init; } = new SortedDictionary<string, string>();

    /// <summary>By name.</summary>
    public IReadOnlyList<PortConfig> Ports { get; init; } = [];

    /// <summary>VLANs in which nothing is learned.</summary>
    public IReadOnlyList<int> FloodVlans { get; init; } = [];

    /// <summary>Multicast goes where hosts have asked for it.</summary>
    public bool SnoopsMulticast { get; init; }

    /// <summary>What is asked for and is not there: <c>stp</c>, <c>netflow</c>, ...</summary>
    public IReadOnlyList<string> Refused { get; init; } = [];

    /// <summary>By target.</summary>
    public IReadOnlyList<ControllerConfig> Controllers { get; init; } = [];

    /// <summary>By name.</summary>
    public IReadOnlyList<MirrorConfig> Mirrors { get; init; } = [];

    /// <summary>Flow tables that have settings, by number.</summary>
    public IReadOnlyDictionary<int, OfTableConfig> Tables { get; init; } = new Dictionary<int, OfTableConfig>();

    /// <summary>All interfaces of all ports.</summary>
    public IEnumerable<InterfaceConfig> Interfaces => Ports.SelectMany(static p => p.Interfaces);
}

/// <summary>A port that is wanted: an interface, or a bond of several.</summary>
public sealed record PortConfig
{
    /// <summary>Its row.</summary>
    public required Guid Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>VLAN of untagged frames; null = none.</summary>
    public int? Tag { get; init; }

    /// <summary>VLANs that pass; none = all.</summary>
    public IReadOnlyList<int> Trunks { get; init; } = [];

    /// <summary>VLANs of customers that pass a tunnel; none = all.</summary>
    public IReadOnlyList<int> CustomerVlans { get; init; } = [];

    /// <summary><c>access</c>, <c>trunk</c>, <c>native-tagged</c>, <c>native-untagged</c>, <c>dot1q-tunnel</c>; null = as <see cref="Tag"/> says.</summary>
    public string? VlanMode { get; init; }

    /// <summary>How members of a bond share; null for one interface.</summary>
    public string? BondMode { get; init; }

    /// <summary>Its queues; null = none.</summary>
    public QosConfig? Qos { get; init; }

    /// <summary>How long a link of a bond is up before it is used, ms.</summary>
    public int BondUpDelayMs { get; init; }

    /// <summary>How long a link of a bond is down before it is not used, ms.</summary>
    public int BondDownDelayMs { get; init; }

    /// <summary><c>active</c>, <c>passive</c>; null = no LACP.</summary>
    public string? Lacp { get; init; }

    /// <summary>Address of the member that was the active one according to the database.</summary>
    public string? BondActiveBefore { get; init; }

    /// <summary>Nothing goes from one protected port to another.</summary>
    public bool IsProtected { get; init; }

    /// <summary>Settings of the port.</summary>
    public IReadOnlyDictionary<string, string> OtherConfig { get; init; } = new SortedDictionary<string, string>();

    /// <summary>By name.</summary>
    public required IReadOnlyList<InterfaceConfig> Interfaces { get; init; }
}

/// <summary>An interface that is wanted.</summary>
public sealed record InterfaceConfig
{
    /// <summary>Its row.</summary>
    public required Guid Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>What is behind it; never empty.</summary>
    public required string Type { get; init; }

    /// <summary>Depend on the type.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new SortedDictionary<string, string>();

    /// <summary>Of the column <c>bfd</c>.</summary>
    public IReadOnlyDictionary<string, string> Bfd { get; init; } = new SortedDictionary<string, string>();

    /// <summary>How much it takes in.</summary>
    public IngressLimits Limits { get; init; }

    /// <summary>What is asked for and is not there: <c>cfm</c>, <c>lldp</c>.</summary>
    public IReadOnlyList<string> Refused { get; init; } = [];

    /// <summary>Settings of the interface.</summary>
    public IReadOnlyDictionary<string, string> OtherConfig { get; init; } = new SortedDictionary<string, string>();

    /// <summary>Ethernet address that an interface of our own is to have; null = any.</summary>
    public string? Mac { get; init; }

    /// <summary>MTU that is asked for.</summary>
    public int? MtuRequest { get; init; }

    /// <summary>OpenFlow number that is asked for.</summary>
    public int? OfportRequest { get; init; }

    /// <summary>OpenFlow number that it has according to the database: it gets it again after a restart.</summary>
    public int? OfportBefore { get; init; }
}

/// <summary>An OpenFlow controller that is wanted.</summary>
public sealed record ControllerConfig
{
    /// <summary>Its row.</summary>
    public required Guid Id { get; init; }

    /// <summary>Where it is, or where it is waited for.</summary>
    public required string Target { get; init; }

    /// <summary><c>primary</c>, <c>service</c>; null = as the target says: a service is waited for.</summary>
    public string? Type { get; init; }

    /// <summary>Longest wait between two attempts.</summary>
    public int MaxBackoffMs { get; init; }

    /// <summary>Silence after which it is asked whether it is there; 0 = never.</summary>
    public int InactivityProbeMs { get; init; }

    /// <summary>It is told of what happens before it has asked.</summary>
    public bool HasAsyncMessages { get; init; } = true;

    /// <summary>Packets per second; 0 = any number.</summary>
    public int RateLimit { get; init; }

    /// <summary>Packets at once; 0 = a quarter of the rate.</summary>
    public int BurstLimit { get; init; }

    /// <summary>Packets that may wait; null = as the bridge says.</summary>
    public int? QueueLength { get; init; }

    /// <summary>Settings of the controller.</summary>
    public IReadOnlyDictionary<string, string> OtherConfig { get; init; } = new SortedDictionary<string, string>();
}

/// <summary>A mirror that is wanted.</summary>
public sealed record MirrorConfig
{
    /// <summary>Its row.</summary>
    public required Guid Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Every packet of the bridge.</summary>
    public bool SelectsAll { get; init; }

    /// <summary>Packets that come by these ports.</summary>
    public IReadOnlyList<string> From { get; init; } = [];

    /// <summary>Packets that go to these ports.</summary>
    public IReadOnlyList<string> To { get; init; } = [];

    /// <summary>Packets of these VLANs; none = all.</summary>
    public IReadOnlyList<int> Vlans { get; init; } = [];

    /// <summary>Port that gets them.</summary>
    public string? OutputPort { get; init; }

    /// <summary>Bytes of a packet that are copied; null = all.</summary>
    public int? SnapBytes { get; init; }

    /// <summary>VLAN that gets them.</summary>
    public int? OutputVlan { get; init; }
}
