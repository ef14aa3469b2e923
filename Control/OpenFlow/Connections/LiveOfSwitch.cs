using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Engine.Text;

namespace Mergeflow.Control.OpenFlow;

/// <summary>A running switch as OpenFlow sees it.</summary>
/// <param name="live">What runs; not owned.</param>
/// <param name="name">Its name.</param>
/// <param name="setUp">Sets a port up or down, as <c>OFPPC_PORT_DOWN</c> says; false = there is no such port.</param>
/// <param name="datapathId">Its id; null = the address of its first port, as that of a bridge is that of one of its ports.</param>
/// <param name="bridge">Which of its bridges; null = the only one.</param>
/// <param name="ports">Ports of that bridge; null = all of the switch. Called by any thread.</param>
public sealed partial class LiveOfSwitch(LiveSwitch live, string name, Func<uint, bool, bool> setUp, Func<ulong>? datapathId = null, DatapathBridge? bridge = null, Func<IReadOnlyList<LivePort>>? ports = null) : IOfSwitch
{
    private const int EthernetHeaderBytes = 14;
    private const uint PortDown = 1;
    private const uint NoFlood = 16;
    private const uint NoForward = 32;
    private const uint LinkDown = 1;
    private const uint Live = 4;

    /// <summary>Whose order this thread carries out, for those who watch; null = nobody's.</summary>
    [ThreadStatic]
    private static OfConnection? s_owner;

    [ThreadStatic]
    private static uint s_xid;

    private readonly Lock _lock = new();
    private readonly Lock _treating = new();

    /// <summary>Around what is said of tables and what the pipeline takes of it.</summary>
    private readonly Lock _limiting = new();
    private bool _isLimited;
    private readonly Dictionary<uint, long> _groupsMadeMs = [];
    private readonly Dictionary<uint, uint> _portConfigs = [];
    private readonly Datapath _datapath = live.Datapath;
    private readonly DatapathBridge _bridge = bridge ?? live.Datapath.Main;

    private IReadOnlyList<LivePort> AllPorts => ports?.Invoke() ?? live.Ports.All;

    /// <inheritdoc/>
    public ulong DatapathId => datapathId is not null ? datapathId() : AllPorts.Select(static p => p.Mac).FirstOrDefault(static m => m != 0);

    /// <inheritdoc/>
    public string Name => name;

    /// <summary>Takes lines for who looks for a fault, where the function gives somebody who does.</summary>
    public Func<Action<string>?>? Debug { get; init; }

    /// <summary>Takes a line about each flush of connections, if anybody wants it (<c>ct_dpif</c>).</summary>
    public Func<Action<string>?>? FlushDebug { get; init; }

    /// <summary>Takes lines about what could not be done: module, text.</summary>
    public Action<string, string>? Warned { get; init; }

    /// <summary>Whether a port that is up and has a link may be used, as far as others have a say (BFD, LACP); null = always. Called by any thread.</summary>
    public Func<uint, bool>? MayUse { get; init; }

    /// <inheritdoc/>
    public long NowMs => LiveSwitch.NowMs;

    /// <inheritdoc/>
    public OfTlvTable Tlvs { get; } = new();

    /// <inheritdoc/>
    public OfTableSettings Tables { get; } = new();

    /// <inheritdoc/>
    public FragmentHandling Fragments
    {
        get => _bridge.Pipeline.Treatment.Fragments;
        set
        {
            if (value == FragmentHandling.Reassemble) return;
            Treat(t => t with { Fragments = value });
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<OfPort> Ports => [.. AllPorts.Select(Describe)];

    /// <summary>One of its ports.</summary>
    internal OfPort PortOf(LivePort port) => Describe(port);

    /// <inheritdoc/>
    public IReadOnlyList<GroupMod> Groups => [.. _bridge.Pipeline.Groups];

    /// <inheritdoc/>
    public IReadOnlyList<OfMeterState> Meters => _bridge.Pipeline.Meters;

    /// <summary>Called when an order has changed a port.</summary>
    internal Action? PortsChanged { get; set; }

    /// <summary>What the database says of tables.</summary>
    internal void Configure(IReadOnlyDictionary<int, OfTableConfig> tables)
    {
        lock (_limiting)
        {
            Tables.Configure(tables);
            SetLimits();
            _bridge.Pipeline.SetPrefixes(tables.ToDictionary(static t => t.Key, static t => t.Value.Prefixes));
        }
    }

    private void SetLimits()
    {
        IReadOnlyDictionary<int, TableLimit> limits = Tables.Limits;
        if (limits.Count == 0 && !_isLimited) return;
        _isLimited = limits.Count > 0;

        // Uses that megaflows have not reported yet put off what is evicted.
        _datapath.Settle(NowMs);
        _bridge.Pipeline.SetLimits(limits);
    }

    /// <summary>Removes all flows, groups and meters (OVS <c>ofproto_flush_flows</c>).</summary>
    /// <param name="learns">A flow takes their place that forwards by learned addresses.</param>
    internal void FlushFlows(bool learns)
    {
        GroupMod groups = new(GroupModCommand.Delete, OfPipeline.AllGroups, GroupType.All, null, 0, EquatableList<Field>.Empty, EquatableList<GroupBucket>.Empty);
        _bridge.ApplyChanges([new FlowMod { Command = FlowModCommand.Delete }, groups, .. learns ? new FlowTextParser().ParseFlows("priority=0,actions=NORMAL") : []], NowMs);
        foreach (OfMeterState meter in Meters) _bridge.ApplyMeterMod(meter.Mod with { Command = MeterModCommand.Delete }, NowMs);
    }

    /// <summary>No controller is there: packets are forwarded by learned addresses, or by flows again.</summary>
    internal void StandAlone(bool isAlone) => Treat(t => t with { StandsAlone = isAlone });

    /// <summary>Packets that no flow matches are for controllers, or are dropped.</summary>
    internal void TellMisses(bool tells) => Treat(t => t with { TellsMisses = tells });

    /// <summary>Tells controllers of a packet that nobody has sent, a reverse ARP request (OVS <c>send_bogus_packet_ins</c>).</summary>
    internal void TellOfNoPacket(OfConnectionGroup group)
    {
        byte[] frame = [255, 255, 255, 255, 255, 255, 0, 0x23, 0x20, 0, 0, 1, 0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3, 0, 0x23, 0x20, 0, 0, 1, 0, 0, 0, 0, 0, 0x23, 0x20, 0, 0, 1, 0, 0, 0, 0, .. new byte[18]];
        Match metadata = default;
        MatchCodec.Set(ref metadata, FieldId.InPortOxm, (uint)OfReservedPort.Local);
        var packet = new OfPacketForController { Frame = new OfBytes(frame), Reason = 0, Metadata = metadata };
        foreach (OfConnection connection in group.All) connection.OnPacket(packet);
    }

    private void Treat(Func<PacketTreatment, PacketTreatment> change)
    {
        lock (_treating) _bridge.SetTreatment(change(_bridge.Pipeline.Treatment), NowMs);
    }

    /// <inheritdoc/>
    public IReadOnlyList<OfPortStats> PortStats() => [.. AllPorts.Select(CountersOf)];

    /// <inheritdoc/>
    public IReadOnlyList<OfQueueStats> QueueStats() => DeviceQueues.Of(AllPorts);

    /// <inheritdoc/>
    public IReadOnlyList<OfRule> Rules(FlowMod? which)
    {
        _datapath.Settle(NowMs);
        return which is null ? [.. _bridge.Pipeline.Rules] : _bridge.Pipeline.Select(which);
    }

    /// <inheritdoc/>
    public long GroupCreatedMs(uint groupId)
    {
        lock (_lock) return _groupsMadeMs.GetValueOrDefault(groupId);
    }

    /// <inheritdoc/>
    public (BookTotals Taken, IReadOnlyList<BookTotals> Buckets) GroupCounters(uint groupId)
        => _bridge.Pipeline.GroupCounters(groupId) is var (taken, buckets) ? (Totals(taken), [.. buckets.Select(Totals)]) : default;

    private static BookTotals Totals(OfRuleStats stats) => new(stats.Packets, stats.Bytes);

    /// <inheritdoc/>
    public (BookTotals Taken, IReadOnlyList<BookTotals> Bands) MeterCounters(OfMeterState meter)
    {
        (BookTotals taken, BookTotals[] bands) = _datapath.Meters.CountersOf(meter.Slot);
        return (taken, bands);
    }

    /// <inheritdoc/>
    public void Apply(IReadOnlyList<object> changes, OfConnection owner, uint xid)
    {
        (s_owner, s_xid) = (owner, xid);
        try
        {
            _bridge.ApplyChanges(changes, NowMs);
        }
        finally
        {
            s_owner = null;
        }

        if (!changes.Any(static c => c is GroupMod)) return;
        if (Debug?.Invoke() is { } say)
        {
            foreach (GroupMod mod in changes.OfType<GroupMod>())
            {
                foreach (string line in _bridge.Pipeline.ExplainGroup(mod.GroupId)) say(line);
            }
        }

        HashSet<uint> there = [.. _bridge.Pipeline.Groups.Select(static g => g.GroupId)];
        lock (_lock)
        {
            foreach (uint gone in _groupsMadeMs.Keys.Where(id => !there.Contains(id)).ToArray()) _groupsMadeMs.Remove(gone);
            foreach (uint id in there) _groupsMadeMs.TryAdd(id, NowMs);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<FlowModException> ApplyEach(IReadOnlyList<FlowMod> mods)
    {
        List<FlowModException> refused = [];
        _bridge.ApplyEach(mods, NowMs, refused);
        return refused;
    }

    /// <inheritdoc/>
    public void Apply(OfTableMod mod, OfVersion version, int tableCount)
    {
        lock (_limiting)
        {
            Tables.Apply(mod, version, tableCount);
            SetLimits();
        }

        if (version is OfVersion.V11 or OfVersion.V12) Treat(t => t with { Misses = Tables.Misses });
    }

    /// <inheritdoc/>
    public void Apply(MeterMod mod) => _bridge.ApplyMeterMod(mod, NowMs);

    /// <inheritdoc/>
    public void Apply(OfPortMod mod)
    {
        Check(mod);
        uint before, after;
        lock (_lock)
        {
            before = _portConfigs.GetValueOrDefault(mod.Port);
            _portConfigs[mod.Port] = after = (before & ~mod.Mask) | (mod.Config & mod.Mask);
        }

        if (((before ^ after) & PortDown) != 0) setUp(mod.Port, (after & PortDown) == 0);
        if (((before ^ after) & NoForward) != 0) _bridge.Ports.SetForwards(mod.Port, (after & NoForward) == 0, NowMs);
        if (((before ^ after) & NoFlood) != 0) _bridge.Ports.SetFloods(mod.Port, (after & NoFlood) == 0, NowMs);
        PortsChanged?.Invoke();
    }

    /// <summary>The option behind <c>tun_metadata0</c> acts if it has 4 or 8 bytes; the others are kept, and there are no fields for them.</summary>
    public void Apply(OfTlvTableMod mod)
    {
        Tlvs.Apply(mod, index => index == 0 && _bridge.Pipeline.Rules.Any(static r => r.Match.Mask.Key.TunOptions != 0));
        OfTlvMap? first = Tlvs.Maps.FirstOrDefault(static m => m.Index == 0);
        _bridge.SetOption(first is { LengthBytes: 4 or 8 } ? new GeneveOption(first.Class, first.Type, first.LengthBytes) : default, NowMs);
    }

    /// <inheritdoc/>
    public void Check(OfPortMod mod)
    {
        LivePort port = AllPorts.FirstOrDefault(p => p.Ofport == mod.Port) ?? throw new OfRefusal("OFPPMFC_BAD_PORT", $"port {mod.Port}");
        if (mod.Mac != port.Mac) throw new OfRefusal("OFPPMFC_BAD_HW_ADDR", $"port {mod.Port} has another address");
    }

    /// <inheritdoc/>
    public void Check(OfPacketOut packet)
    {
        if (packet.BufferId != OfFlowModMessage.NoBuffer) throw new OfRefusal("OFPBRC_BUFFER_UNKNOWN", "there are no buffers");
        if (packet.Packet.Count < EthernetHeaderBytes) throw new OfRefusal("OFPBRC_BAD_PACKET", "shorter than an Ethernet header");
        _bridge.CheckPacketOut(packet.Packet.Span, packet.Metadata.Value, packet.Actions, packet.IsOf10);
    }

    /// <inheritdoc/>
    public void Send(OfPacketOut packet)
    {
        Check(packet);
        _bridge.PacketOut(packet.Packet.Span.ToArray(), packet.Metadata.Value, packet.Actions, NowMs);
    }

    /// <inheritdoc/>
    public void Resume(OfPacketIn2 packet)
    {
        bool isWaiting = packet.Continuation is { } told && ContinuationToken.TryRead(told.Span, out ReadOnlySpan<byte> token)
            && _datapath.Resume(token, packet.Packet.Span.ToArray(), packet.Metadata.Value, NowMs);
        if (!isWaiting) throw new OfRefusal("NXR_STALE", "no such packet waits");
    }

    /// <inheritdoc/>
    public void Flush(OfCtFlush which)
    {
        FlushDebug?.Invoke()?.Invoke($"ct_flush: {CtTupleText.Format(which)}");
        ConnectionFlush.Run(_datapath, which, NowMs);
    }

    /// <inheritdoc/>
    public void Warn(string module, string text) => Warned?.Invoke(module, text);

    private OfPort Describe(LivePort port)
    {
        Interlocked.Increment(ref _described);
        uint config;
        lock (_lock) config = _portConfigs.GetValueOrDefault(port.Ofport);
        bool isUp = port is NetDevicePort ? port.IsUp : port.IsUp && (config & PortDown) == 0;
        config = (config & ~PortDown) | (isUp ? 0 : PortDown);
        uint state = !isUp || !port.HasCarrier ? LinkDown : MayUse?.Invoke(port.Ofport) != false ? Live : 0;
        return PortFeatures.Describe(new OfPort { Number = port.Ofport, Name = port.Name, Mac = port.Mac, Config = config, State = state }, port);
    }

    private OfPortStats CountersOf(LivePort port)
    {
        long ageMs = Math.Max(0, NowMs - port.CreatedMs);
        PortStatistics counted = port.Statistics();
        return new OfPortStats
        {
            Port = port.Ofport,
            DurationSeconds = (uint)(ageMs / 1000),
            DurationNanoseconds = (uint)(ageMs % 1000 * 1_000_000),
            RxPackets = counted.RxPackets,
            TxPackets = counted.TxPackets,
            RxBytes = counted.RxBytes,
            TxBytes = counted.TxBytes,
            RxDropped = port is DummyPort or PatchVport ? ulong.MaxValue : counted.RxDropped + counted.RxLostInKernel,
            TxDropped = port is DummyPort or PatchVport ? ulong.MaxValue : counted.TxDropped + counted.TxLostInKernel,
            MoreProperties = CustomStatistics.Write(port.CustomStatistics()),
        };
    }
}
