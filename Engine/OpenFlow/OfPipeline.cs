using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// The OpenFlow state of one bridge: tables 0..254, groups, ports, the recirculation store (OVS <c>struct ofproto_dpif</c>).
/// One thread changes it at a time; translators on any thread read immutable snapshots. Several in one datapath have a <see cref="PipelineBacker"/> in common.
/// </summary>
public sealed partial class OfPipeline
{
    /// <summary>Tables a rule may be in: 0..254.</summary>
    public const int TableCount = 255;

    private volatile bool _pushesTunnels = true;
    private readonly Lock _lock;
    private readonly RuleTables _tables;
    private readonly RuleModifier _modifier;
    private readonly Dictionary<uint, PipelinePort> _ports = [];
    private readonly HashSet<uint> _livePorts = [];
    private volatile PipelineSnapshot _snapshot;
    private Action<IReadOnlyList<RuleEvent>>? _rulesChanged;
    private ulong _version;
    private bool _portsChanged = true;
    private bool _hasCollectors;
    private GeneveOption _option;
    private PacketTreatment _treatment;

    /// <summary>An empty pipeline with the given ports, all of them up.</summary>
    public OfPipeline(PipelineOptions options)
    {
        Options = options;
        Backer = options.Backer ?? new PipelineBacker();
        _lock = Backer.Lock;
        _tables = new RuleTables(options.Quirks, Work);
        _modifier = new RuleModifier(_tables, Work, options.IsShared);
        ArgumentOutOfRangeException.ThrowIfNegative(options.VlanLimit);
        foreach (PipelinePort port in options.Ports)
        {
            _ports.Add(port.Number, port);
            _livePorts.Add(port.Number);
        }

        lock (_lock)
        {
            Id = Backer.FreeId();
            Macs = new MacTable(options.MacTableSize, options.MacAgingMs, Backer.Addresses, Id);
            Multicast = new MulticastTable(Macs);
            _snapshot = Build([], null);
            Backer.Enter(this);
        }
    }

    /// <summary>As constructed.</summary>
    public PipelineOptions Options { get; }

    /// <summary>What it has in common with the other bridges of its datapath.</summary>
    public PipelineBacker Backer { get; }

    /// <summary>Its name.</summary>
    public string Name => Options.Name;

    /// <summary>Its number among the bridges of its datapath; one that is gone leaves it to the next.</summary>
    internal ushort Id { get; }

    /// <summary>Moves at each change of tables, groups and ports.</summary>
    internal ulong RulesVersion => _snapshot.Version;

    /// <summary>All rules, by table, then precedence; a copy.</summary>
    public IEnumerable<OfRule> Rules
    {
        get
        {
            lock (_lock) return [.. _tables.Rules];
        }
    }

    /// <summary>Rules of a table.</summary>
    public int CountOf(int table)
    {
        lock (_lock) return _tables.CountOf(table);
    }

    /// <summary>Some rule or group has the action <c>normal</c> or <c>learn</c>: packets change what later ones get.</summary>
    public bool UsesNormal => _snapshot.UsesNormal;

    /// <summary>A change makes whatever lookups read, so that no packet thread has to.</summary>
    public bool PreparesTables
    {
        get => _tables.IsPreparing;
        set => _tables.IsPreparing = value;
    }

    /// <summary>What the tables have cost so far.</summary>
    public PipelineWork Work { get; } = new();

    /// <summary>What <c>normal</c> has learned.</summary>
    internal MacTable Macs { get; }

    /// <summary>The state translators see.</summary>
    internal PipelineSnapshot Snapshot => _snapshot;

    /// <summary>Tells the pipeline that a port's link went up or down: fast failover groups and select groups look at it.</summary>
    public void SetPortLive(uint number, bool live)
    {
        lock (_lock)
        {
            if (live ? !_ports.ContainsKey(number) || !_livePorts.Add(number) : !_livePorts.Remove(number)) return;
            _portsChanged = true;
            Publish();
        }
    }

    /// <summary>A port appears, up. False if there is one of that number.</summary>
    public bool AddPort(PipelinePort port)
    {
        lock (_lock)
        {
            if (!_ports.TryAdd(port.Number, port)) return false;
            _livePorts.Add(port.Number);
            _portsChanged = true;
            Publish();
            return true;
        }
    }

    /// <summary>Sets the VLANs of a port. False if there is no such port, or it has them already.</summary>
    public bool SetPortVlan(uint number, PortVlan vlan)
    {
        lock (_lock)
        {
            if (!_ports.TryGetValue(number, out PipelinePort? port) || port.Vlan.Equals(vlan)) return false;
            _ports[number] = port with { Vlan = vlan };
            Macs.Forget(number);
            Multicast.Forget(number);
            _portsChanged = true;
            Publish();
            return true;
        }
    }

    /// <summary>Sets the marks of a port's queues. False if there is no such port, or it has them already.</summary>
    public bool SetQueueDscps(uint number, EquatableList<QueueDscp> dscps)
    {
        lock (_lock)
        {
            if (!_ports.TryGetValue(number, out PipelinePort? port) || port.QueueDscps.Equals(dscps)) return false;
            _ports[number] = port with { QueueDscps = dscps };
            _portsChanged = true;
            Publish();
            return true;
        }
    }

    /// <summary>The way of a tunnel port is another one, or there is none for now. False if that changes nothing, or there is no such port.</summary>
    public bool SetTunnel(uint number, TunnelPort? tunnel)
    {
        lock (_lock)
        {
            if (!_ports.TryGetValue(number, out PipelinePort? port) || port.Tunnel == tunnel) return false;
            _ports[number] = port with { Tunnel = tunnel };
            _portsChanged = true;
            Publish();
            return true;
        }
    }

    /// <summary>Removes a port; outputs to it are skipped from now on. False if there is none.</summary>
    public bool RemovePort(uint number)
    {
        lock (_lock)
        {
            if (!_ports.Remove(number)) return false;
            _livePorts.Remove(number);
            Macs.Forget(number);
            Multicast.Forget(number);
            _portsChanged = true;
            Publish();
            return true;
        }
    }

    /// <summary>The addresses that <c>normal</c> has learned, with the time since each was seen, ms.</summary>
    public IReadOnlyList<(LearnedSource Source, long AgeMs)> LearnedAddresses(long nowMs) => Macs.Entries(nowMs);

    /// <summary>
    /// Maps a Geneve option to <c>tun_metadata0</c>: it is read from packets that come through Geneve tunnels, and sent with those that leave through one; the default value takes it away.
    /// </summary>
    public void SetOption(GeneveOption option)
    {
        lock (_lock)
        {
            if (_option == option) return;
            _option = option;
            Publish();
        }
    }

    /// <summary>What becomes of packets that no rule decides about.</summary>
    public PacketTreatment Treatment => _snapshot.Treatment;

    /// <summary>Sets what becomes of packets that no rule decides about; false if it is so already.</summary>
    public bool SetTreatment(PacketTreatment treatment)
    {
        lock (_lock)
        {
            if (_treatment == treatment) return false;
            _treatment = treatment;
            Publish();
            return true;
        }
    }

    /// <summary>Somebody collects samples, or nobody does any more: <c>sample</c> acts only if somebody does.</summary>
    public void SetCollectors(bool any)
    {
        lock (_lock)
        {
            if (_hasCollectors == any) return;
            _hasCollectors = any;
            Publish();
        }
    }

    /// <summary>Leaves a port out of <c>flood</c>, or takes it in again; false if there is none, or it is so already.</summary>
    public bool SetPortFloods(uint number, bool floods)
    {
        lock (_lock)
        {
            if (!_ports.TryGetValue(number, out PipelinePort? port) || port.Floods == floods) return false;
            _ports[number] = port with { Floods = floods };
            _portsChanged = true;
            Publish();
            return true;
        }
    }

    /// <summary>Keeps packets from a port, or lets them go there again; false if there is none, or it is so already.</summary>
    public bool SetPortForwards(uint number, bool forwards)
    {
        lock (_lock)
        {
            if (!_ports.TryGetValue(number, out PipelinePort? port) || port.Forwards == forwards) return false;
            _ports[number] = port with { Forwards = forwards };
            _portsChanged = true;
            Publish();
            return true;
        }
    }

    /// <summary>Forgets addresses that <c>normal</c> has not seen for too long, and groups that nobody has asked for. True if megaflows have to look again.</summary>
    public bool ForgetAged(long nowMs) => Macs.Expire(nowMs) | Multicast.Expire(nowMs);

    /// <summary>Forgets all addresses that <c>normal</c> has learned.</summary>
    internal void ForgetLearned() => Macs.Flush();

    /// <summary>Packets for tunnels are encapsulated here; false: what is behind the port does (OVS <c>ofproto/tnl-push-pop</c>). A change concerns translations from then on.</summary>
    public bool PushesTunnels
    {
        get => _pushesTunnels;
        set => _pushesTunnels = value;
    }

    /// <summary>What copies packets: <c>clone</c>, or <c>sample</c> with a probability of one; null = nothing does (OVS <c>struct dpif_backer_support</c>). A change concerns translations from then on.</summary>
    public DpOp? CloneOp { get; set; } = DpOp.Clone;

    /// <summary>The datapath puts labels in front of packets; false: what helps it does, packet by packet (OVS <c>add_mpls</c>). A change concerns translations from then on.</summary>
    public bool AddsLabels { get; set; } = true;

    /// <summary>The tunnel port that a packet with these outer fields comes by, the most specific first; null = none.</summary>
    public uint? TunnelPortOf(in FlowKey key)
    {
        bool isIpv6 = !key.TunIpv6Dst.IsZero;
        Ipv6Address source = isIpv6 ? key.TunIpv6Src : Wide(key.TunSrc), destination = isIpv6 ? key.TunIpv6Dst : Wide(key.TunDst);
        if (Backer.Ports.Tunnels is not { } tunnels) return null;
        foreach (TunnelPlace place in tunnels.Ports)
        {
            if (place.Bridge != this) continue;
            TunnelPort t = place.Tunnel;
            if (t.IsIpv6 is { } family && family != isIpv6) continue;
            if (t.InKey is { } wanted && wanted != key.TunId.Host) continue;
            if (t.Remote is { } remote && remote != source) continue;
            if (t.Local is { } local && local != destination) continue;
            if (key.InPort.Raw != 0 && place.DatapathPort != key.InPort.Host) continue;
            return t.Number;
        }

        return null;

        static Ipv6Address Wide(Be32 address) => Ipv6Address.FromUInt128((UInt128)address.Host << 96);
    }

    /// <summary>A patch port has its other end.</summary>
    public bool HasPeer(uint port) => Backer.Ports.PeerOf(this, port) is not null;

    /// <summary>It is no bridge of its datapath any more: no packet comes to it, and its meters have no place.</summary>
    internal void Leave()
    {
        lock (_lock)
        {
            foreach (OfMeterState meter in _meters.Values) _retiredMeterSlots.Add(meter.Slot);
            _meters = _meters.Clear();
            Backer.Leave(this);
        }
    }

    /// <summary>Learns from packets that a megaflow has reported; true if that was news.</summary>
    internal bool Learn(LearnedSource source, long nowMs) => Macs.Learn(source.Mac, source.Vid, source.Port, nowMs);

    /// <summary>Makes changes visible to translators.</summary>
    /// <param name="rules">The rules that have changed and nothing else has; null = more than can be said.</param>
    private void Publish(IReadOnlyList<OfRule>? rules = null)
    {
        bool portsChanged = _portsChanged;
        _snapshot = Build(_tables.Index(_snapshot.Tables), rules is null ? null : new RulesChange(_version, rules).Behind(_snapshot.Change));
        Backer.Publish(_version, portsChanged);
        if (_rulesChanged is { } told && _tables.TakeEvents() is { Count: > 0 } events) told(events);
    }

    /// <summary>From now on <paramref name="told"/> is told of each change of rules, in their order, while the tables are locked: it only takes note.</summary>
    public void Watch(Action<IReadOnlyList<RuleEvent>> told)
    {
        lock (_lock)
        {
            _tables.KeepEvents();
            _rulesChanged += told;
        }
    }

    private PipelineSnapshot Build(TableIndex?[] tables, RulesChange? change)
    {
        ulong version = Backer.Version + 1;
        PipelineSnapshot? before = _portsChanged ? null : _snapshot;
        _portsChanged = false;
        var snapshot = new PipelineSnapshot
        {
            Tables = tables,
            Groups = _groups,
            Meters = _meters,
            Ports = before?.Ports ?? new(_ports),
            PortList = before?.PortList ?? [.. _ports.Values.OrderBy(static p => p.Number)],
            FloodList = before?.FloodList ?? (Options.Quirks.FloodsByHash ? FloodOrder.Of(_ports.Values) : [.. _ports.Values.OrderBy(static p => p.Number)]),
            Underlay = _underlay,
            Forwarding = _forwarding,
            Multicast = _multicastPlan,
            Bfd = _bfd,
            HasCollectors = _hasCollectors,
            Option = _option,
            Treatment = _treatment,
            LivePorts = before?.LivePorts ?? [.. _livePorts.Where(p => !_bfdDown.Contains(p))],
            Version = version,
            Change = change,
            UsesNormal = Array.Exists(tables, static t => t is { UsesNormal: true }) || _normalGroupCount > 0 || _treatment.StandsAlone,
        };
        _version = version;
        return snapshot;
    }
}
