namespace Mergeflow.Engine.Conntrack;

/// <remarks>What control sets: limits of zones, timeout policies.</remarks>
public sealed unsafe partial class ConnTracker
{
    /// <summary>Limit of every zone that has none of its own, 0 = none.</summary>
    public uint DefaultLimit
    {
        get => _zones.DefaultLimit;
        set => _zones.DefaultLimit = value;
    }

    /// <summary>Sets the most connections of a zone (<c>dpctl/ct-set-limits</c>); 0 lets none in.</summary>
    public void SetZoneLimit(ushort zone, uint limit) => _zones.Set(zone, limit);

    /// <summary>Removes the limit of a zone (<c>dpctl/ct-del-limits</c>); false if it had none.</summary>
    public bool RemoveZoneLimit(ushort zone) => _zones.Remove(zone);

    /// <summary>Limit that holds for a zone (0 = none set) and its connections counted against it (<c>dpctl/ct-get-limits</c>).</summary>
    public (uint Limit, uint Count) GetZoneLimit(ushort zone) => _zones.Get(zone);

    /// <summary>Adds a timeout policy or replaces it; connections under it follow from their next packet on.</summary>
    /// <exception cref="ArgumentException">Too many policies.</exception>
    public void SetTimeoutPolicy(CtTimeoutPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        _timeouts.Set(policy);
    }

    /// <summary>Removes a policy: its connections go back to the default timeouts from their next packet on.</summary>
    public bool RemoveTimeoutPolicy(uint id) => _timeouts.Remove(id);
}
