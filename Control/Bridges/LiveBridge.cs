using System.Globalization;
using Mergeflow.Control.OpenFlow;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;
using Mergeflow.Engine.Upcall;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>A bridge that moves packets, in the datapath of its kind, and its live ports.</summary>
public sealed partial class LiveBridge : IHostedBridge
{
    private readonly LiveBridgeHost _host;
    private readonly Dictionary<int, LiveInterface> _interfaces = [];

    /// <summary>Interfaces whose MTU the database asks for.</summary>
    private HashSet<string> _hasOwnMtu = [];

    /// <summary>The smallest MTU of ports that are not the switch's own, as it was seen last.</summary>
    private int _leastMtu;
    private readonly Dictionary<int, uint> _numbers = [];
    private readonly LiveSwitch _live;

    /// <summary>Its ports in the order of their OpenFlow numbers; any thread reads.</summary>
    private volatile LivePort[] _ports = [];
    private readonly OfEndpoint? _openFlow;
    private readonly LiveOfSwitch _seen;
    private readonly PortLiveness _liveness;
    private readonly BridgeControllers? _remotes;
    private readonly PortQos _qos = new();
    private readonly ulong _ownMac;

    /// <summary>Read by connections.</summary>
    private ulong _id;
    private ulong _mac;
    private bool _isDisposed;

    internal LiveBridge(LiveBridgeHost host, BridgeConfig config)
    {
        (_host, Name, DatapathType, _ownMac) = (host, config.Name, config.DatapathType, BridgeMac.Default(config.Id));
        Shared = host.Enter(config);
        _live = Shared.Live;
        Bridge = Datapath.AddBridge(Name, LiveSwitch.NowMs);
        Forwarding = new BridgeForwarding(Bridge, (module, line) => host.Say(module, VlogLevel.Info, line));
        _liveness = new PortLiveness(Pipeline, Forwarding);
        _mac = _ownMac;
        _id = _mac;
        _seen = new LiveOfSwitch(_live, Name, SetUp, () => DatapathId, Bridge, () => _ports) { MayUse = _liveness.MayUse, Debug = () => _host.Vlog?.IsOn("ofproto_dpif", VlogLevel.Dbg) == true ? line => _host.Vlog.Write("ofproto_dpif", VlogLevel.Dbg, line) : null, FlushDebug = () => _host.Vlog?.IsOn("ct_dpif", VlogLevel.Dbg) == true ? line => _host.Vlog.Write("ct_dpif", VlogLevel.Dbg, $"{(IsDummy ? "dummy@ovs-dummy" : "netdev@ovs-netdev")}: {line}") : null, Warned = (module, line) => _host.Say(module, VlogLevel.Warn, line) };
        if (host.RunFolder is not { } folder)
        {
            if (!config.IsSecure) _seen.FlushFlows(learns: true);
            return;
        }

        try
        {
            _seen.PortsChanged = TellPorts;
            _openFlow = new OfEndpoint(_seen, host.Tls, host.Log, tellsPorts: false);
            _remotes = new BridgeControllers(Name, folder, host.IsConfined);
            _openFlow.Controllers.Snoop(Path.Combine(folder, $"{Name}.snoop"));
        }
        catch
        {
            _openFlow?.Dispose();
            Datapath.RemoveBridge(Bridge, LiveSwitch.NowMs);
            host.Exit(Shared);
            throw;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<OfControllerStatus> ControllerStatus() => _openFlow?.Controllers.Status() ?? [];

    /// <summary>Connects to its controllers anew.</summary>
    public void Reconnect() => _openFlow?.Controllers.Reconnect();

    /// <summary>What its ports have together.</summary>
    public BridgeForwarding Forwarding { get; }

    /// <summary>Bonds look at links and time; connections are told which ports may be used.</summary>
    public void Run(long nowMs)
    {
        Forwarding.Run(nowMs);
        if (_liveness.Update()) TellPorts();
    }

    /// <inheritdoc/>
    public void Report(Writeback into, bool withStatistics) => Forwarding.Report(into, withStatistics);

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary><c>netdev</c>, <c>system</c>, <c>dummy</c>, ...</summary>
    public string DatapathType { get; }

    /// <summary>It has no devices.</summary>
    public bool IsDummy => _host.IsDummyDatapath(DatapathType);

    /// <summary>Numbers of its ports in the datapath, by OpenFlow number; patch ports have none. For the thread that has it made so.</summary>
    public IReadOnlyDictionary<int, uint> DatapathNumbers => _numbers;

    /// <summary>No frame waits to be received by one of its ports that is no device. Any thread.</summary>
    public bool IsIdle => Array.TrueForAll(_ports, static p => p is DummyPort { IsIdle: true } or not DummyPort);

    /// <summary>Its tables and ports in the datapath. Its control operations are for any thread.</summary>
    public DatapathBridge Bridge { get; }

    /// <summary>Its tables.</summary>
    public OfPipeline Pipeline => Bridge.Pipeline;

    /// <summary>What it is in, with others.</summary>
    public LiveDatapath Shared { get; }

    /// <summary>What runs. Its control operations are for any thread.</summary>
    public Datapath Datapath => _live.Datapath;

    /// <summary>Packets and bytes received, by software and by a device.</summary>
    public Engine.Ledger.BookTotals Received => _live.Received;

    /// <summary>Where all packets are.</summary>
    public SwitchLedger Ledger() => _live.Ledger();

    /// <summary>Its ports that are devices of the host.</summary>
    internal IEnumerable<NetDevicePort> Devices => _interfaces.Values.Select(static i => i.Port).OfType<NetDevicePort>();

    /// <summary>Its tunnels.</summary>
    internal IEnumerable<TunnelPort> Tunnels => _interfaces.Values.Select(static i => (i.Port as TunnelVport)?.Tunnel).OfType<TunnelPort>();

    /// <summary>The name of an interface.</summary>
    internal string NameOf(uint ofport) => _interfaces.TryGetValue((int)ofport, out LiveInterface? found) ? found.Config.Name : "";

    /// <summary>Flows have been brought back: packets are taken.</summary>
    internal void BeginForwarding() => _live.Ports.Release();

    /// <inheritdoc/>
    public ulong DatapathId => Volatile.Read(ref _id);

    /// <inheritdoc/>
    public void Add(InterfaceConfig config, int ofport)
    {
        LivePort port = Attach(config, (uint)ofport);
        if (port.KernelRefusal is { } why) _host.Warn($"{config.Name}: packets from and to it are forwarded in software: {why}");
        _interfaces.Add(ofport, new LiveInterface(config, port));
        LivePort[] before = _ports;
        int place = Array.FindIndex(before, p => p.Ofport > port.Ofport);
        if (place < 0) place = before.Length;
        _ports = [.. before.AsSpan(0, place), port, .. before.AsSpan(place)];
        if (port is DummyPort dummy)
        {
            _host.Wire!.Add(dummy);
            _host.Wire.Configure(dummy, config.Options);
        }

        _host.Underlay?.Changed();
        TellAdded(port);
    }

    /// <inheritdoc/>
    public void Remove(int ofport)
    {
        if (!_interfaces.Remove(ofport, out LiveInterface? gone)) return;
        _qos.Forget(gone.Config.Name);
        ForgetElsewhere((uint)ofport);
        _host.Underlay?.Forget(gone.Config.Name);
        _host.Bfd.Configure(Bridge, (uint)ofport, gone.Config.Name, 0, null, static () => 0);
        Detach(ofport, gone.Port);
        _host.Underlay?.Changed();
        TellGone(ofport);
    }

    /// <inheritdoc/>
    public bool IsThere(int ofport)
    {
        _interfaces[ofport].Port.Refresh();
        return !_interfaces[ofport].Port.IsGone;
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Configure(BridgeConfig config, IReadOnlyDictionary<string, int> ofports)
    {
        List<string> failures = [];
        ulong? asked = MacText.Parse(config.OtherConfig.GetValueOrDefault("hwaddr"));
        _mac = asked ?? BridgeMac.Of(config, MacOf) ?? _ownMac;
        Volatile.Write(ref _id, DatapathIdOf(config.OtherConfig.GetValueOrDefault("datapath-id")) ?? _mac);
        foreach (PortConfig port in config.Ports)
        {
            foreach (InterfaceConfig member in port.Interfaces)
            {
                if (!ofports.TryGetValue(member.Name, out int number)) continue;
                Bridge.Ports.SetVlan((uint)number, VlanOf(port), LiveSwitch.NowMs);
                Bridge.Ports.SetQueueDscps((uint)number, port.Qos?.Dscps ?? EquatableList<QueueDscp>.Empty, LiveSwitch.NowMs);
            }
        }

        _seen.Configure(config.Tables);
        int most = Setting(config, "mac-table-size", 8192, 10, 1_000_000), agingSeconds = Setting(config, "mac-aging-time", 300, 15, 3600);
        Pipeline.ConfigureAddresses(most, agingSeconds * 1000L);
        Bridge.Ports.SetMulticast(MulticastReader.Read(config, ofports), LiveSwitch.NowMs);
        foreach (InterfaceConfig wanted in config.Interfaces)
        {
            if (!ofports.TryGetValue(wanted.Name, out int ofport)) continue;
            if (_interfaces[ofport].Port is DummyPort dummy) failures.AddRange(Configure(dummy, _interfaces[ofport], wanted));
            if (_interfaces[ofport].Port is not NetDevicePort device) continue;
            bool isLocal = ofport == OfportAllocator.Local;
            ulong? mac = isLocal ? _mac : wanted.Type == "internal" ? MacText.Parse(wanted.Mac) : null;
            try
            {
                if (mac is { } address && device.Mac != address) NetDevice.SetMac(device.Device, address);
                if (wanted.MtuRequest is { } mtu && device.MtuBytes != mtu) NetDevice.SetMtuBytes(device.Device, mtu);
            }
            catch (IOException e)
            {
                failures.Add($"bridge {config.Name}: {e.Message}");
            }

            device.Refresh();
        }

        _hasOwnMtu = [.. config.Interfaces.Where(static i => i.MtuRequest is not null).Select(static i => i.Name)];
        failures.AddRange(FollowMtu());
        foreach (InterfaceConfig wanted in config.Interfaces)
        {
            if (!ofports.TryGetValue(wanted.Name, out int ofport)) continue;
            LivePort port = _interfaces[ofport].Port;
            if (Police(wanted, port) is { } line) failures.Add(line);
            _host.Bfd.Configure(Bridge, (uint)ofport, wanted.Name, port.Mac, BfdOptions.Of(wanted.Bfd), () => port.Statistics().RxPackets);
        }

        foreach (PortConfig port in config.Ports)
        {
            foreach (InterfaceConfig member in port.Interfaces)
            {
                if (ofports.TryGetValue(member.Name, out int number)) failures.AddRange(_qos.Configure(member.Name, _interfaces[number].Port, port.Qos));
            }
        }

        failures.AddRange(Forwarding.Configure(config, ofports, _interfaces.ToDictionary(static i => i.Key, static i => i.Value.Port), _mac));
        _liveness.Update();
        TellPorts();

        // While flows are brought back, by the bridge's own socket, nobody else says what they are.
        BridgeConfig heard = _host.Settings.IsRestoring ? config with { Controllers = [] } : config;
        if (_openFlow is null) return failures;
        _openFlow.Group.BundleIdleMs = _host.Settings.BundleIdleMs;
        List<string> refused = [];
        SortedDictionary<string, OfControllerSettings> controllers = _remotes!.Wanted(heard, refused);
        foreach (string line in refused) _host.Say("bridge", VlogLevel.Err, line);
        return [.. failures, .. _openFlow.Controllers.Configure(controllers, !config.IsSecure)];
    }

    /// <inheritdoc/>
    public InterfaceStatus StatusOf(int ofport) => _interfaces[ofport].Status(_host.Underlay is { } underlay ? underlay.EgressOf : null) with { LacpCurrent = Forwarding.LacpCurrent(ofport), BfdStatus = _host.Bfd.StatusOf(Bridge, (uint)ofport) };

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, long> StatisticsOf(int ofport) => _interfaces[ofport].Statistics();

    /// <summary>Every batch that was under way has ended on return. Any thread; a bridge that goes meanwhile has none.</summary>
    public void EndBatches()
    {
        try
        {
            Datapath.EndBatches();
        }
        catch (ObjectDisposedException)
        {
            // It has gone.
        }
    }

    /// <summary>The devices of the datapath have been looked at: tells what is new of those of this bridge.</summary>
    internal void Look()
    {
        if (AddressedDummies.Any()) _host.Underlay?.Changed();
        foreach (string line in FollowMtu()) _host.Warn(line);
        TellPorts();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _host.Leave(this);
        _host.Bfd.Leave(Bridge);
        foreach ((int ofport, LiveInterface member) in _interfaces)
        {
            _host.Underlay?.Forget(member.Config.Name);
            Detach(ofport, member.Port);
        }

        _openFlow?.Dispose();
        Datapath.RemoveBridge(Bridge, LiveSwitch.NowMs);
        _host.Exit(Shared);
    }

    /// <summary>As <c>OFPPC_PORT_DOWN</c> asks: the device itself goes up or down.</summary>
    private bool SetUp(uint ofport, bool isUp)
    {
        switch (Array.Find(_ports, p => p.Ofport == ofport))
        {
            case NetDevicePort device:
                NetDevice.SetUp(device.Device, isUp);
                break;
            case DummyPort dummy:
                dummy.SetUp(isUp);
                break;
            default:
                return false;
        }

        _live.Ports.Refresh(LiveSwitch.NowMs);
        Look();
        return true;
    }

    /// <summary>OVS <c>port_configure</c>.</summary>
    private static PortVlan VlanOf(PortConfig port)
    {
        PortVlanMode mode = port.VlanMode switch
        {
            "access" => PortVlanMode.Access,
            "native-tagged" => PortVlanMode.NativeTagged,
            "native-untagged" => PortVlanMode.NativeUntagged,
            "dot1q-tunnel" => PortVlanMode.Dot1qTunnel,
            null when port.Tag is not null => PortVlanMode.Access,
            _ => PortVlanMode.Trunk,
        };

        // 802.1ad unless it says otherwise (OVS <c>port_configure</c>).
        ushort tpid = port.OtherConfig.GetValueOrDefault("qinq-ethtype") == "802.1q" ? EthType.Vlan : EthType.QinQ;
        return new PortVlan(mode, (ushort)(port.Tag ?? 0), mode == PortVlanMode.Dot1qTunnel ? port.CustomerVlans : port.Trunks, tpid)
        {
            Priority = port.OtherConfig.GetValueOrDefault("priority-tags") switch { "if-nonzero" or "true" => PriorityTags.IfNonzero, "always" => PriorityTags.Always, _ => PriorityTags.Never },
        };
    }

    private static int Setting(BridgeConfig config, string name, int otherwise, int least, int most)
        => Math.Clamp(int.TryParse(config.OtherConfig.GetValueOrDefault(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : otherwise, least, most);

    /// <summary>1 to 16 hex digits, not zero; null = anything else, and the address counts.</summary>
    private static ulong? DatapathIdOf(string? text)
    {
        if (text is null) return null;
        ReadOnlySpan<char> digits = text.StartsWith("0x", StringComparison.Ordinal) ? text.AsSpan(2) : text;
        return digits.Length <= 16 && ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong id) && id != 0 ? id : null;
    }

    private LivePort Open(InterfaceConfig config, uint number)
    {
        string name = config.Name;
        if (_host.DummyTypeOf(config.Type, DatapathType) is { } dummy)
        {
            return new DummyPort(number, name, dummy, dummy == "dummy-pmd" ? QueuesOf(config, "n_rxq") : 1);
        }

        return config.Type switch
        {
            "system" when _host.IsSystemDisabled || NetDevice.IndexOf(name) == 0 => throw new IOException($"could not open network device {name} (No such device)"),
            "system" => Opened(name, () => BridgeSwitch.OpenDevice(_host, Datapath.Options.Offload, number, name, Math.Min(QueuesOf(config, "n_rxq"), MaxDeviceQueues))),
            "internal" or "tap" => Opened(name, () => TapPort.Open(number, name, isInternal: config.Type == "internal", setUp: false)),
            _ => throw new IOException($"could not open network device {name} (Address family not supported by protocol)"),
        };
    }

    /// <summary>OVS <c>is_concomitant_vxlan_tunnel_present</c>.</summary>
    private static bool ClashesIn(LiveInterface other, TunnelPort tunnel, bool hasGroupPolicy)
        => other.Port is TunnelVport { Tunnel: { Kind: TunnelKind.Vxlan } there } && tunnel.Kind == TunnelKind.Vxlan && there.DestinationPort == tunnel.DestinationPort && TunnelOptions.HasGroupPolicy(other.Config) != hasGroupPolicy;

    private static LivePort Opened(string name, Func<LivePort> open)
    {
        try
        {
            return open();
        }
        catch (IOException e)
        {
            string why = e.Message.StartsWith(name + ": ", StringComparison.Ordinal) ? e.Message[(name.Length + 2)..] : e.Message;
            throw new IOException($"could not open network device {name} ({why})", e);
        }
    }

    /// <summary>The address of an interface; 0 = it has none, or is the bridge's own.</summary>
    private ulong MacOf(string name) => _interfaces.FirstOrDefault(i => i.Value.Config.Name == name) is { Key: not OfportAllocator.Local, Value: { Port: NetDevicePort or DummyPort } found } ? found.Port.Mac : 0;
}
