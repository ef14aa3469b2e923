namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// What the bridges of one datapath have in common (OVS <c>struct dpif_backer</c>, <c>struct xlate_cfg</c>): the version of their tables, which addresses have changed, which port of the datapath is which
/// bridge's, and which patch ports belong together. A pipeline that is not put into one has its own.
/// </summary>
/// <remarks>
/// The pipelines of a backer are changed under one lock and have one counter of versions, which moves when a change can be seen: who reads the version first and tables then has seen all changes up to it.
/// </remarks>
public sealed class PipelineBacker
{
    /// <summary>Slots below <see cref="_nextMeterSlot"/> that no meter has: the lowest is taken first, as Open vSwitch does (id-pool).</summary>
    private readonly SortedSet<uint> _freeMeterSlots = [];
    private volatile OfPipeline[] _pipelines = [];
    private volatile BackerPorts _ports = new([]);
    private ulong _version;
    private uint _nextMeterSlot;

    /// <summary>The bridges, in the order in which they came.</summary>
    public ReadOnlySpan<OfPipeline> Pipelines => _pipelines;

    /// <summary>Moves at each change of tables, groups and ports of a bridge.</summary>
    public ulong Version => Volatile.Read(ref _version);

    /// <summary>Told by whoever translates a packet, in the middle of it: must not wait. Null = nobody is told.</summary>
    public Action<TranslationComplaint>? Complained { get; set; }

    /// <summary>Which addresses have changed.</summary>
    internal MacFollowers Addresses { get; } = new();

    /// <summary>Held by who changes a bridge.</summary>
    internal Lock Lock { get; } = new();

    /// <summary>Where ports are now.</summary>
    internal BackerPorts Ports => _ports;

    /// <summary>A bridge is one of these.</summary>
    internal bool Has(OfPipeline pipeline) => Array.IndexOf(_pipelines, pipeline) >= 0;

    /// <summary>The lowest number that no bridge has. Under the lock.</summary>
    internal ushort FreeId()
    {
        ushort id = 0;
        while (Array.Exists(_pipelines, p => p.Id == id)) id++;
        return id;
    }

    /// <summary>A bridge comes, with its first tables. Under the lock.</summary>
    internal void Enter(OfPipeline pipeline)
    {
        _pipelines = [.. _pipelines, pipeline];
        Publish(pipeline.Snapshot.Version, portsChanged: true);
    }

    /// <summary>A bridge goes: no packet comes to it, and none goes on in it that was put aside there. Under the lock.</summary>
    internal void Leave(OfPipeline pipeline)
    {
        _pipelines = [.. _pipelines.Where(p => p != pipeline)];
        Publish(_version + 1, portsChanged: true);
    }

    /// <summary>The tables of a bridge have changed, and can be seen. Under the lock.</summary>
    internal void Publish(ulong version, bool portsChanged)
    {
        if (portsChanged) _ports = new BackerPorts(_pipelines);
        Volatile.Write(ref _version, version);
    }

    /// <summary>A place where a meter acts. Under the lock.</summary>
    internal uint TakeMeterSlot()
    {
        if (_freeMeterSlots.Count == 0) return _nextMeterSlot++;
        uint slot = _freeMeterSlots.Min;
        _freeMeterSlots.Remove(slot);
        return slot;
    }

    /// <summary>No megaflow names the place any more. Under the lock.</summary>
    internal void ReturnMeterSlot(uint slot) => _freeMeterSlots.Add(slot);
}
