using Mergeflow.Engine.Conntrack;

namespace Mergeflow.Control.Bridges;

/// <summary>What people have set of connection tracking while the switch runs (<c>dpctl/ct-*</c>, <c>dpctl/ipf-*</c>): it holds for the datapaths of all bridges, those that come later too. For one thread.</summary>
public sealed class ConntrackSettings
{
    /// <summary>Fragment sizes below this are refused (OVS <c>IPF_V4_FRAG_SIZE_LBOUND</c>).</summary>
    private const int LeastV4 = 400;

    /// <summary>The same of IPv6 (OVS <c>IPF_V6_FRAG_SIZE_LBOUND</c>).</summary>
    private const int LeastV6 = 400;

    private readonly SortedDictionary<ushort, uint> _zones = [];
    private readonly bool?[] _isEnabled = new bool?[2];
    private readonly int?[] _minBytes = new int?[2];

    /// <summary>Most connections; null = as many as there is room for.</summary>
    public int? MaxConnections { get; set; }

    /// <summary>TCP packets outside their window are invalid; null = as the datapath began.</summary>
    public bool? TcpSeqChk { get; set; }

    /// <summary>Limit of zones without their own; 0 = none.</summary>
    public uint DefaultLimit { get; set; }

    /// <summary>Most fragments on hold; null = as shipped.</summary>
    public int? MaxFragments { get; set; }

    /// <summary>Limits of zones.</summary>
    public IReadOnlyDictionary<ushort, uint> Zones => _zones;

    /// <summary>Sets the limit of a zone.</summary>
    public void SetZone(ushort zone, uint limit) => _zones[zone] = limit;

    /// <summary>A zone has no limit of its own any more.</summary>
    public void RemoveZone(ushort zone) => _zones.Remove(zone);

    /// <summary>Fragments of a family are put together, or not.</summary>
    public void SetEnabled(bool isIpv6, bool isEnabled) => _isEnabled[isIpv6 ? 1 : 0] = isEnabled;

    /// <summary>Smallest fragment of a family; false = it is too small.</summary>
    public bool TrySetMinBytes(bool isIpv6, int bytes)
    {
        if (bytes < (isIpv6 ? LeastV6 : LeastV4)) return false;
        _minBytes[isIpv6 ? 1 : 0] = bytes;
        return true;
    }

    /// <summary>Makes a tracker so.</summary>
    public void Apply(ConnTracker tracker)
    {
        tracker.MaxConnections = MaxConnections ?? int.MaxValue;
        if (TcpSeqChk is { } checks) tracker.TcpSeqChk = checks;
        tracker.DefaultLimit = DefaultLimit;
        HashSet<ushort> limited = [.. tracker.LimitedZones];
        foreach (ushort zone in limited.Where(z => !_zones.ContainsKey(z))) tracker.RemoveZoneLimit(zone);
        foreach ((ushort zone, uint limit) in _zones)
        {
            if (tracker.GetZoneLimit(zone).Limit != limit || !limited.Contains(zone)) tracker.SetZoneLimit(zone, limit);
        }

        if (MaxFragments is { } max) tracker.MaxFragments = max;
        for (int family = 0; family < 2; family++)
        {
            foreach (FragmentFamily fragments in tracker.FragmentsOf(family == 1))
            {
                if (_isEnabled[family] is { } isEnabled) fragments.IsEnabled = isEnabled;
                if (_minBytes[family] is { } bytes) fragments.MinBytes = bytes;
            }
        }
    }
}
