namespace Mergeflow.Engine.OpenFlow;

/// <summary>A port mirror (OVS <c>struct mirror</c>): copies of packets that come by, or go to, some ports.</summary>
public sealed class MirrorPlan
{
    private const int VlanCount = 4096;

    private readonly ulong[]? _vlans;

    /// <summary>A mirror.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="vlans">VLANs of packets that are copied; none = all.</param>
    public MirrorPlan(string name, IReadOnlyCollection<int> vlans)
    {
        Name = name;
        Counted = new OfRule(default) { Table = 255, Priority = 0, Cookie = 0, Actions = EquatableList<OfAction>.Empty };
        if (vlans.Count == 0) return;
        _vlans = new ulong[VlanCount / 64];
        foreach (int vlan in vlans.Where(static v => v is >= 0 and < VlanCount)) _vlans[vlan / 64] |= 1UL << (vlan % 64);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Ports whose packets are copied as they come in, by number.</summary>
    public required IReadOnlySet<uint> From { get; init; }

    /// <summary>Ports for which packets are copied as they go out.</summary>
    public required IReadOnlySet<uint> To { get; init; }

    /// <summary>Port that gets the copies; nothing else goes there, and nothing that comes by it is forwarded. Null = a VLAN does.</summary>
    public PortBundle? OutputPort { get; init; }

    /// <summary>VLAN that gets the copies.</summary>
    public ushort? OutputVlan { get; init; }

    /// <summary>Bytes of a packet that are copied; 0 = all.</summary>
    public ushort SnapBytes { get; init; }

    /// <summary>Stands in for a rule that every mirrored packet goes through: so its packets and bytes are counted wherever those of rules are.</summary>
    internal OfRule Counted { get; private init; }

    /// <summary>Packets that were copied.</summary>
    public ulong Packets => Counted.Packets;

    /// <summary>Their bytes.</summary>
    public ulong Bytes => Counted.Bytes;

    /// <summary>Goes on counting where another one was.</summary>
    public MirrorPlan CountingAs(MirrorPlan before) => new(Name, _vlans) { From = From, To = To, OutputPort = OutputPort, OutputVlan = OutputVlan, SnapBytes = SnapBytes, Counted = before.Counted };

    /// <summary>It copies packets of this VLAN.</summary>
    public bool Selects(ushort vlan) => _vlans is null || (_vlans[vlan / 64] & (1UL << (vlan % 64))) != 0;

    /// <summary>Both send to the same place.</summary>
    public bool HasSameOutput(MirrorPlan other) => OutputPort?.Representative == other.OutputPort?.Representative && OutputVlan == other.OutputVlan;

    private MirrorPlan(string name, ulong[]? vlans) => (Name, _vlans, Counted) = (name, vlans, null!);
}
