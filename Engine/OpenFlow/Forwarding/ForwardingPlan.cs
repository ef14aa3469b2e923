namespace Mergeflow.Engine.OpenFlow;

/// <summary>What a bridge knows of its ports beyond each of them (OVS <c>struct xbridge</c>): which belong together, mirrors, VLANs without learning. Immutable; without any of it a bridge has <see cref="Plain"/>.</summary>
public sealed class ForwardingPlan
{
    private const int VlanCount = 4096;

    /// <summary>Most mirrors of a bridge (OVS <c>MAX_MIRRORS</c>).</summary>
    public const int MaxMirrors = 32;

    private readonly Dictionary<uint, PortBundle> _byPort = [];
    private readonly HashSet<uint> _mirrorOutputs = [];
    private readonly ulong[]? _floodVlans;

    /// <summary>Puts it together.</summary>
    /// <param name="bundles">Ports that are more than one interface, or protected, or of mirrors; others may be left out.</param>
    /// <param name="mirrors">At most <see cref="MaxMirrors"/>; others are left out.</param>
    /// <param name="floodVlans">VLANs in which nothing is learned.</param>
    public ForwardingPlan(IEnumerable<PortBundle> bundles, IEnumerable<MirrorPlan> mirrors, IReadOnlyCollection<int> floodVlans)
    {
        foreach (PortBundle bundle in bundles)
        {
            foreach (uint member in bundle.Members) _byPort[member] = bundle;
        }

        Mirrors = [.. mirrors.Take(MaxMirrors)];
        foreach (MirrorPlan mirror in Mirrors)
        {
            foreach (uint member in mirror.OutputPort?.Members ?? []) _mirrorOutputs.Add(member);
        }

        if (floodVlans.Count == 0) return;
        _floodVlans = new ulong[VlanCount / 64];
        foreach (int vlan in floodVlans.Where(static v => v is >= 0 and < VlanCount)) _floodVlans[vlan / 64] |= 1UL << (vlan % 64);
    }

    /// <summary>Each port for itself, no mirrors.</summary>
    public static ForwardingPlan Plain { get; } = new([], [], []);

    /// <summary>There are neither mirrors nor ports that have something together.</summary>
    public bool IsPlain => _byPort.Count == 0 && Mirrors.Count == 0;

    /// <summary>Mirrors, by number.</summary>
    public IReadOnlyList<MirrorPlan> Mirrors { get; }

    /// <summary>Ports that belong to something larger, or have something of their own.</summary>
    public IReadOnlyDictionary<uint, PortBundle> Bundles => _byPort;

    /// <summary>The port that an interface belongs to; null = it is one by itself.</summary>
    public PortBundle? BundleOf(uint port) => _byPort.GetValueOrDefault(port);

    /// <summary>Number under which addresses of a port are learned.</summary>
    public uint RepresentativeOf(uint port) => _byPort.TryGetValue(port, out PortBundle? bundle) ? bundle.Representative : port;

    /// <summary>Copies of mirrors go to the port, and nothing else.</summary>
    public bool IsMirrorOutput(uint port) => _mirrorOutputs.Contains(port);

    /// <summary>Nothing is learned in the VLAN.</summary>
    public bool Floods(ushort vlan) => _floodVlans is not null && (_floodVlans[vlan / 64] & (1UL << (vlan % 64))) != 0;
}
