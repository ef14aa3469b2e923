using System.Globalization;
using Mergeflow.Control.OpenFlow;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;
using Mergeflow.Engine.Upcall;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>Bridges with live ports, in one datapath for all of a kind, whose packet threads are threads.</summary>
public sealed class LiveBridgeHost : IBridgeHost, IDisposable
{
    /// <summary>Types of ports without devices (OVS <c>netdev_dummy_register</c>).</summary>
    private static readonly string[] s_dummyTypes = ["dummy", "dummy-internal", "dummy-pmd"];
    private static readonly string[] s_types = ["geneve", "gre", "internal", "patch", "system", "tap", "vxlan"];

    private readonly List<LiveBridge> _bridges = [];
    private readonly HashSet<string> _probed = new(StringComparer.Ordinal);
    private ZoneTimeouts _zones = new();
    private PmdSettings _pmdSettings = new();
    private BfdMonitor? _bfd;
    private ManualDatapaths? _manual;
    private bool _hasForwarded;
    private readonly Dictionary<bool, LiveDatapath> _datapaths = [];
    private readonly List<LiveDatapath> _reporting = [];

    /// <summary>What the database says of queues of ports, by the ports' names.</summary>
    private readonly Dictionary<string, string> _affinities = new(StringComparer.Ordinal);
    private Action<LiveDatapath, MissReport>? _missTold;

    private ComplaintLog? _complaints;

    /// <summary>Who sends packets decides how many rules differ, where one does.</summary>
    private LogLimit ShadowLog => field ??= new LogLimit(line => Say("ofproto_dpif", VlogLevel.Warn, line), linesPerMinute: 20, burst: 20);

    /// <inheritdoc/>
    public IReadOnlyList<string> DatapathTypes => Wire is null ? ["netdev", "system"] : ["dummy", "netdev", "system"];

    /// <inheritdoc/>
    public IReadOnlyList<string> InterfaceTypes => Wire is null ? s_types : [.. s_dummyTypes, .. s_types];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Capabilities { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal)
    {
        ["check_pkt_len"] = "true",
        ["ct_clear"] = "true",
        ["ct_state"] = "true",
        ["ct_state_nat"] = "true",
        ["ct_zone"] = "true",
        ["ct_mark"] = "true",
        ["ct_label"] = "true",
        ["ct_orig_tuple"] = "true",
        ["ct_orig_tuple6"] = "true",
        ["masked_set_action"] = "true",
        ["max_vlan_headers"] = "2",
        ["recirc"] = "true",
        ["trunc"] = "true",
        ["ufid"] = "true",
    };

    /// <summary>What holds for the connections of all bridges.</summary>
    public ConntrackSettings Conntrack { get; } = new();

    /// <summary>What the database says of datapaths.</summary>
    public DatapathSettings Settings { get; private set; } = new();

    /// <summary>Processors, and where they are: the system's, unless others are said.</summary>
    public NumaTopology Topology
    {
        get => field ??= NumaTopology.OfSystem();
        init;
    }

    /// <summary>Packet threads that a datapath has room for: those of a datapath that is made without <c>pmd-cpu-mask</c> are one, which shares nothing and costs nothing for that.</summary>
    public int PlaceCount => _pmdSettings.Cpus is null && !Topology.IsDummy ? 1 : Math.Min(1 + Topology.Cpus.Count, ConnTracker.MaxThreads);

    /// <summary>Handler threads of each datapath that is made from now on (OVS <c>n-handler-threads</c>); 0 = packet threads translate what they miss.</summary>
    public int HandlerCount { get; set; }

    /// <summary>Whose answers datapaths repeat; null = nobody's.</summary>
    public Quirks? Quirks { get; init; }

    /// <summary>Folder of the sockets by which <c>ovs-ofctl</c> finds bridges; null = there are none.</summary>
    public string? RunFolder { get; init; }

    /// <summary>Takes lines about what has no effect.</summary>
    public Action<string> Warn { get; init; } = static _ => { };

    /// <summary>Takes lines: module, level, text.</summary>
    public Action<string, VlogLevel, string> Say { get; init; } = static (_, _, _) => { };

    /// <summary>Takes lines about BFD sessions.</summary>
    public Action<string> LogBfd { get; init; } = static _ => { };

    /// <summary>BFD sessions of all bridges.</summary>
    public BfdMonitor Bfd => _bfd ??= new BfdMonitor(LogBfd, line => Say("ofproto_dpif_monitor", VlogLevel.Info, line));

    /// <summary>The bridges that there are.</summary>
    internal IReadOnlyList<LiveBridge> Bridges => _bridges;

    /// <summary>What tunnels know of the network below; null = it has not been looked at yet.</summary>
    internal Underlay? Underlay { get; private set; }

    /// <summary>Sockets that the database names are kept to the run folder (<c>--no-self-confinement</c> says no).</summary>
    public bool IsConfined { get; init; } = true;

    /// <summary>Takes lines: module, whether it is a warning, text.</summary>
    public Action<string, bool, string> Log { get; init; } = static (_, _, _) => { };

    /// <summary>Keys for connections by TLS unless the database names others; null = none.</summary>
    public OfTlsFiles? TlsFiles
    {
        get;
        init => Tls.Files = field = value;
    }

    /// <inheritdoc/>
    public void SetTls(OfTlsFiles? files) => Tls.Files = files ?? TlsFiles;

    /// <summary>Keys of controllers' connections.</summary>
    internal OfTls Tls { get; } = new();

    /// <summary>Whose answers the datapath of a type repeats.</summary>
    public Quirks QuirksOf(string datapathType) => Quirks ?? (IsDummyDatapath(datapathType) ? Engine.Keys.Quirks.Ovs31Exact : Engine.Keys.Quirks.None);

    /// <summary>Where lines go for who looks for a fault; null = nowhere.</summary>
    public Vlog? Vlog { get; init; }

    /// <summary>What ports without devices stand for.</summary>
    public DummyMode Dummies
    {
        get;
        init
        {
            field = value;
            if (value != DummyMode.None) Wire = new DummyWire();
        }
    }

    /// <summary>What is behind ports without devices; null = there are none.</summary>
    public DummyWire? Wire { get; private init; }

    /// <summary>Ports that are devices are not opened (OVS <c>--disable-system</c>).</summary>
    public bool IsSystemDisabled { get; init; }

    /// <summary>Tunnels take no routes of the kernel, only those that were said (OVS <c>--disable-system-route</c>).</summary>
    public bool IsSystemRouteDisabled { get; init; }

    /// <summary>Bridges of a type have no devices.</summary>
    public bool IsDummyDatapath(string type) => Dummies switch
    {
        DummyMode.None => false,
        DummyMode.Beside => type == "dummy",
        DummyMode.System => type is "dummy" or "system",
        _ => true,
    };

    /// <summary>What an interface without a device is shown as; null = it has one.</summary>
    /// <param name="type">As the database says it.</param>
    /// <param name="datapathType">Of its bridge.</param>
    public string? DummyTypeOf(string type, string datapathType)
    {
        if (Wire is null) return null;
        if (type == "internal" && IsDummyDatapath(datapathType)) return "dummy-internal";
        if (s_dummyTypes.Contains(type)) return type;
        return (Dummies == DummyMode.Override && type != "patch" && s_types.Contains(type)) || (Dummies == DummyMode.System && type == "system") ? type : null;
    }

    /// <summary>Whether megaflows of bridges that are made from now on match more than their packet; for the thread that makes bridges.</summary>
    public void SetMegaflows(bool areWide) => HasExactMegaflows = !areWide;

    /// <summary>Megaflows match their packet alone.</summary>
    internal bool HasExactMegaflows { get; private set; }

    /// <summary>From now on <paramref name="told"/> is called for every miss of any bridge, by the packet thread that has it; null = nobody is. Any thread.</summary>
    public void ReportMisses(Action<LiveDatapath, MissReport>? told)
    {
        lock (_reporting)
        {
            _missTold = told;
            foreach (LiveDatapath datapath in _reporting) Report(datapath);
        }
    }

    /// <summary>The datapaths that there are; for the thread that makes bridges.</summary>
    public IReadOnlyCollection<LiveDatapath> Datapaths => _datapaths.Values;

    /// <summary>Those, and the ones that people have made by hand.</summary>
    private IEnumerable<LiveDatapath> AllDatapaths => _datapaths.Values.Concat((_manual?.All ?? []).Select(static m => m.Live));

    /// <summary>Datapaths that people have made by hand; for the thread that makes bridges.</summary>
    public ManualDatapaths Manual => _manual ??= new ManualDatapaths(this);

    /// <summary>A bridge comes: into the datapath of its kind, which is made for the first.</summary>
    internal LiveDatapath Enter(BridgeConfig config)
    {
        bool isDummy = IsDummyDatapath(config.DatapathType);
        if (!_datapaths.TryGetValue(isDummy, out LiveDatapath? datapath))
        {
            LiveSwitch live = BridgeSwitch.New(this, config);
            datapath = new LiveDatapath(live, isDummy, PmdsOf(live));
            if (live.Datapath.Shadow is { } shadow) shadow.Reported = difference => ShadowLog.Write(string.Create(CultureInfo.InvariantCulture, $"the kernel forwards otherwise than software, rule {difference.Rule.Id} is revoked: {difference.Difference}"));
            _complaints ??= new ComplaintLog(line => Say("ofproto_dpif_xlate", VlogLevel.Warn, line));
            live.Datapath.Pipeline.Backer.Complained = _complaints.Leave;
            if (Settings.IsRestoring) live.Ports.Hold();
            Conntrack.Apply(live.Datapath.Conntrack);
            live.Datapath.SetCacheInsertion(Settings.CacheInsertOneIn);
            live.Start();
            if (HasExactMegaflows) live.Datapath.SetMegaflows(areWide: false, LiveSwitch.NowMs);
            _datapaths.Add(isDummy, datapath);
            lock (_reporting)
            {
                _reporting.Add(datapath);
                if (_missTold is not null) Report(datapath);
            }
        }

        datapath.BridgeCount++;
        return datapath;
    }

    /// <summary>Looks after the packet threads of a new datapath.</summary>
    internal DatapathPmds PmdsOf(LiveSwitch live) => new(live, Topology, (level, line) => Say("dpif_netdev", level, line));

    /// <summary>A bridge has gone, and its datapath with the last one.</summary>
    internal void Exit(LiveDatapath datapath)
    {
        if (--datapath.BridgeCount > 0) return;
        _datapaths.Remove(datapath.IsDummy);
        lock (_reporting) _reporting.Remove(datapath);
        datapath.Dispose();
    }

    private void Report(LiveDatapath datapath) => datapath.Datapath.ReportMisses(_missTold is { } told ? miss => told(datapath, miss) : null);

    /// <inheritdoc/>
    public IHostedBridge Create(BridgeConfig config)
    {
        bool isFirst = _bridges.TrueForAll(b => b.DatapathType != config.DatapathType);
        LiveBridge bridge = new(this, config);
        if (isFirst) _zones.Apply(bridge.Datapath.Conntrack, config.DatapathType, null, Warn);
        if (_probed.Add(config.DatapathType)) SayFeatures(config.DatapathType);
        _bridges.Add(bridge);
        Underlay ??= new Underlay(_bridges, !IsSystemRouteDisabled);
        Underlay.Changed();
        return bridge;
    }

    /// <summary>What a datapath can, in the words by which scripts look for it in the log (OVS <c>check_support</c>).</summary>
    private void SayFeatures(string datapathType)
    {
        string name = $"{datapathType}@ovs-{datapathType}";
        string[] supported = ["recirculation", "masked set action", "tunnel push pop", "unique flow ids", "truncate action", "clone action", "conntrack clear", "timeout policy in conntrack action", "check_pkt_len action", "ct_clear action", "ct_state", "ct_zone", "ct_mark", "ct_label", "ct_state_nat", "ct_orig_tuple", "ct_orig_tuple6"];
        foreach (string feature in supported) Say("ofproto_dpif", VlogLevel.Info, $"{name}: Datapath supports {feature}");
        Say("ofproto_dpif", VlogLevel.Info, $"{name}: VLAN header stack length probed as 2");
        Say("ofproto_dpif", VlogLevel.Info, $"{name}: MPLS label stack length probed as 3");
        Say("ofproto_dpif", VlogLevel.Info, $"{name}: Max dp_hash algorithm probed to be 1");
    }

    /// <inheritdoc/>
    public void Prepare(SwitchConfig wanted)
    {
        DatapathSettings before = Settings;
        Settings = DatapathSettings.Of(wanted.OtherConfig, Warn);
        _pmdSettings = PmdSettings.Of(wanted.OtherConfig, line => Say("dpif_netdev", VlogLevel.Warn, line));
        foreach (LiveBridge bridge in _bridges.DistinctBy(static b => b.DatapathType)) wanted.ZoneTimeouts.Apply(bridge.Datapath.Conntrack, bridge.DatapathType, _zones, Warn);
        _zones = wanted.ZoneTimeouts;
        HandlerCount = Settings.HandlerCount;
        if (Settings.CacheInsertOneIn != before.CacheInsertOneIn) ChangeCacheInsertion();

        // Where the clock is moved by hand, nothing is merged behind its back unless that is asked for.
        if (Wire is not null && !wanted.OtherConfig.ContainsKey("mergeflow-offload")) Settings = Settings with { Offload = OffloadMode.None };
        if (Settings.Offload != before.Offload && _bridges.Count > 0)
            Warn($"other_config:mergeflow-offload, hw-offload: {Settings.Offload.ToString().ToLowerInvariant()} for datapaths that are made from now on; those that there are keep {before.Offload.ToString().ToLowerInvariant()} until the switch starts anew");

        // Flows are brought back once: who has begun to forward goes on.
        if (_hasForwarded) Settings = Settings with { IsRestoring = false };
        _hasForwarded |= !Settings.IsRestoring;
        if (!before.IsRestoring || Settings.IsRestoring) return;
        foreach (LiveBridge bridge in _bridges) bridge.BeginForwarding();
    }

    /// <summary>OVS <c>dpif_netdev_set_config</c>.</summary>
    private void ChangeCacheInsertion()
    {
        foreach (LiveDatapath datapath in AllDatapaths) datapath.Live.Datapath.SetCacheInsertion(Settings.CacheInsertOneIn);
        Say("dpif_netdev", VlogLevel.Info, Settings.CacheInsertOneIn switch
        {
            null => "each packet that a megaflow is found for gets an entry in the EMC",
            0 => "EMC insertion probability changed to zero",
            { } n => string.Create(CultureInfo.InvariantCulture, $"EMC insertion probability changed to 1/{n} (~{100.0 / n:F2}%)"),
        });
    }

    /// <inheritdoc/>
    public void Finish(SwitchConfig wanted, long nowMs)
    {
        _affinities.Clear();
        foreach (InterfaceConfig port in wanted.Bridges.SelectMany(static b => b.Interfaces))
        {
            if (port.OtherConfig.TryGetValue("pmd-rxq-affinity", out string? affinity)) _affinities[port.Name] = affinity;
        }

        foreach (LiveDatapath datapath in AllDatapaths) Assign(datapath, nowMs);
    }

    /// <summary>Has the packet threads of a datapath run, and poll its ports, as the database wants it.</summary>
    internal void Assign(LiveDatapath datapath, long nowMs) => datapath.Pmds.Configure(_pmdSettings, _affinities, nowMs);

    /// <inheritdoc/>
    public void Run(long nowMs)
    {
        foreach (LiveDatapath datapath in AllDatapaths) datapath.Pmds.Run(nowMs);
        Underlay?.Run(nowMs);
        _complaints?.Write();
        if (Wire is not null) _bfd?.Step();
    }

    /// <inheritdoc/>
    public void Watch(PollSet set) => Underlay?.Watch(set);

    /// <inheritdoc/>
    public void Dispose()
    {
        _complaints?.Write();
        _manual?.Dispose();
        _bfd?.Dispose();
        Underlay?.Dispose();
        Wire?.Dispose();
    }

    /// <summary>A bridge goes.</summary>
    internal void Leave(LiveBridge bridge)
    {
        if (_bridges.Remove(bridge)) Underlay?.Leave(bridge);
    }
}
