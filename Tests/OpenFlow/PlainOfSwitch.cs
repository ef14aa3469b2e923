using Mergeflow.Control.OpenFlow;

namespace Mergeflow.Tests;

/// <summary>A switch whose ports are those of the recordings: tables, groups and meters of the engine, and no packets.</summary>
internal sealed class PlainOfSwitch : IOfSwitch
{
    private readonly OfPipeline _pipeline = new(new PipelineOptions { Ports = [new("p1", 1), new("p2", 2)] });
    private readonly long _startMs = Environment.TickCount64;
    private readonly List<OfPort> _ports =
    [
        new() { Number = 1, Name = "p1", Mac = 0xaa55aa550002, State = 4 },
        new() { Number = 2, Name = "p2", Mac = 0xaa55aa550001, State = 4 },
        new() { Number = 0xfffe, Name = "br0", Mac = 0x0200000000fe, State = 4 },
    ];

    private OfConnection? _owner;
    private uint _xid;

    public ulong DatapathId => 0x200_0000_00fe;

    public string Name => "br0";

    public long NowMs => Environment.TickCount64;

    public IReadOnlyList<OfPort> Ports => _ports;

    public IReadOnlyList<GroupMod> Groups => [.. _pipeline.Groups];

    public IReadOnlyList<OfMeterState> Meters => _pipeline.Meters;

    public FragmentHandling Fragments { get; set; }

    public OfTableSettings Tables { get; } = new();

    public OfTlvTable Tlvs { get; } = new();

    /// <summary>Packets that were sent.</summary>
    public List<OfPacketOut> Sent { get; } = [];

    public IReadOnlyList<OfPortStats> PortStats() => [.. _ports.Select(p => new OfPortStats { Port = p.Number, DurationSeconds = (uint)((NowMs - _startMs) / 1000) })];

    public IReadOnlyList<OfQueueStats> QueueStats() => [];

    /// <summary>Times that all rules were asked for.</summary>
    public int Walks { get; private set; }

    public IReadOnlyList<OfRule> Rules(FlowMod? which)
    {
        if (which is not null) return _pipeline.Select(which);
        return new CountedRules([.. _pipeline.Rules], () => Walks++);
    }

    /// <summary>More ports than there are in the recordings.</summary>
    public void AddPorts(int count)
    {
        for (uint i = 0; i < count; i++) _ports.Add(new OfPort { Number = 100 + i, Name = $"q{i}" });
    }

    public long GroupCreatedMs(uint groupId) => _startMs;

    public (BookTotals Taken, IReadOnlyList<BookTotals> Buckets) GroupCounters(uint groupId) => (default, []);

    public (BookTotals Taken, IReadOnlyList<BookTotals> Bands) MeterCounters(OfMeterState meter) => (default, [.. meter.Mod.Bands.Select(static _ => default(BookTotals))]);

    /// <summary>What is told before a barrier is answered.</summary>
    public Action? Telling { get; set; }

    public void TellAll() => Telling?.Invoke();

    /// <summary>Connections are told of its flows.</summary>
    public void Watch(OfConnectionGroup group) => _pipeline.Watch(changes =>
    {
        foreach (OfConnection connection in group.All) connection.OnFlows(changes, _owner, _xid);
    });

    public void Apply(IReadOnlyList<object> changes, OfConnection owner, uint xid)
    {
        (_owner, _xid) = (owner, xid);
        _pipeline.ApplyChanges(changes, NowMs);
    }

    public IReadOnlyList<FlowModException> ApplyEach(IReadOnlyList<FlowMod> mods)
    {
        List<FlowModException> refused = [];
        _pipeline.ApplyEach(mods, NowMs, refused);
        return refused;
    }

    public void Apply(OfTableMod mod, OfVersion version, int tableCount)
    {
        Tables.Apply(mod, version, tableCount);
        _pipeline.SetLimits(Tables.Limits);
    }

    /// <summary>As the database would.</summary>
    public void Configure(IReadOnlyDictionary<int, OfTableConfig> tables)
    {
        Tables.Configure(tables);
        _pipeline.SetLimits(Tables.Limits);
    }

    public void Apply(MeterMod mod) => _pipeline.ApplyMeter(mod, NowMs);

    public void Check(OfPortMod mod)
    {
        if (!_ports.Exists(p => p.Number == mod.Port)) throw new OfRefusal("OFPPMFC_BAD_PORT", "no port");
    }

    public void Check(OfPacketOut packet)
    {
        if (packet.BufferId != OfFlowModMessage.NoBuffer) throw new OfRefusal("OFPBRC_BUFFER_UNKNOWN", "there are no buffers");
    }

    public void Apply(OfPortMod mod)
    {
        OfPort port = _ports.Find(p => p.Number == mod.Port) ?? throw new OfRefusal("OFPPMFC_BAD_PORT", "no port");
        port.Config = (port.Config & ~mod.Mask) | (mod.Config & mod.Mask);
    }

    public void Apply(OfTlvTableMod mod) => Tlvs.Apply(mod);

    public void Send(OfPacketOut packet) => Sent.Add(packet);

    public void Resume(OfPacketIn2 packet) => throw new OfRefusal("NXR_STALE", "no packet waits");

    public void Flush(OfCtFlush which)
    {
        // There are no connections.
    }

    /// <summary>Rules, and how often somebody has walked through them.</summary>
    private sealed class CountedRules(OfRule[] rules, Action walk) : IReadOnlyList<OfRule>
    {
        public int Count => rules.Length;

        public OfRule this[int index] => rules[index];

        public IEnumerator<OfRule> GetEnumerator()
        {
            walk();
            return ((IEnumerable<OfRule>)rules).GetEnumerator();
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
