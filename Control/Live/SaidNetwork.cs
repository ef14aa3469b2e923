using System.Net;

namespace Mergeflow.Control;

/// <summary>A route that somebody has said (<c>ovs-appctl ovs/route/add</c>).</summary>
/// <param name="Mark">Only for packets with this mark.</param>
/// <param name="Destination">Prefix, the bits behind it zero.</param>
/// <param name="PrefixLength">Its bits.</param>
/// <param name="Device">Name of the device.</param>
/// <param name="Gateway">Next router; null = the destination is a neighbour.</param>
/// <param name="Source">Address that packets by this route have.</param>
public sealed record SaidRoute(uint Mark, IPAddress Destination, int PrefixLength, string Device, IPAddress? Gateway, IPAddress Source);

/// <summary>Routes and neighbours that somebody has said, beside those of the kernel (OVS <c>ovs-router</c>, <c>tnl-neigh-cache</c>). For one thread.</summary>
public sealed class SaidNetwork
{
    /// <summary>A route that is said counts as much as one of the kernel that is longer by so many bits (OVS <c>ovs_router_add</c>).</summary>
    public const int Preference = 32;

    private const int DefaultAgingSeconds = 900;
    private const int MsPerSecond = 1000;

    private readonly List<SaidRoute> _routes = [];
    private readonly Dictionary<(string Device, IPAddress Address), (ulong Mac, long ExpiresMs)> _neighbors = [];

    /// <summary>All routes.</summary>
    public IReadOnlyList<SaidRoute> Routes => _routes;

    /// <summary>All neighbours.</summary>
    public IEnumerable<(string Device, IPAddress Address, ulong Mac)> Neighbors => _neighbors.Select(static n => (n.Key.Device, n.Key.Address, n.Value.Mac));

    /// <summary>How long a neighbour is known.</summary>
    public int AgingSeconds { get; private set; } = DefaultAgingSeconds;

    /// <summary>A route, in the place of one with the same prefix and mark.</summary>
    public void Add(SaidRoute route)
    {
        Remove(route.Mark, route.Destination, route.PrefixLength);
        _routes.Add(route);
    }

    /// <summary>Takes a route away; false = there is none.</summary>
    public bool Remove(uint mark, IPAddress destination, int prefixLength) => _routes.RemoveAll(r => r.Mark == mark && r.PrefixLength == prefixLength && r.Destination.Equals(destination)) > 0;

    /// <summary>The route of a packet with a mark; null = none was said.</summary>
    public SaidRoute? Find(uint mark, IPAddress address) => _routes.Where(r => r.Mark == mark && HostNetwork.Covers(r.Destination, r.PrefixLength, address)).MaxBy(static r => r.PrefixLength);

    /// <summary>A route that is said wins over this one of the kernel, wherever it leads.</summary>
    public bool Hides(IPAddress destination, int prefixLength)
        => _routes.Exists(r => r.Mark == 0 && r.PrefixLength <= prefixLength && r.PrefixLength + Preference > prefixLength && HostNetwork.Covers(r.Destination, r.PrefixLength, destination));

    /// <summary>The Ethernet address of a neighbour.</summary>
    public void SetNeighbor(string device, IPAddress address, ulong mac, long nowMs) => _neighbors[(device, address)] = (mac, nowMs + ((long)AgingSeconds * MsPerSecond));

    /// <summary>Forgets all neighbours.</summary>
    public void FlushNeighbors() => _neighbors.Clear();

    /// <summary>Forgets those behind a device that is gone; false = there are none.</summary>
    public bool FlushNeighbors(string device)
    {
        (string, IPAddress)[] gone = [.. _neighbors.Keys.Where(n => n.Device == device)];
        foreach ((string, IPAddress) key in gone) _neighbors.Remove(key);
        return gone.Length > 0;
    }

    /// <summary>How long a neighbour is known from now on; those that are known longer no longer.</summary>
    public void SetAging(int seconds, long nowMs)
    {
        AgingSeconds = seconds;
        long latestMs = nowMs + ((long)seconds * MsPerSecond);
        foreach (var key in _neighbors.Where(n => n.Value.ExpiresMs > latestMs).Select(static n => n.Key).ToArray()) _neighbors[key] = (_neighbors[key].Mac, latestMs);
    }

    /// <summary>Forgets those whose time is up; false = there are none.</summary>
    public bool Expire(long nowMs)
    {
        if (_neighbors.Count == 0) return false;
        (string, IPAddress)[] gone = [.. _neighbors.Where(n => n.Value.ExpiresMs <= nowMs).Select(static n => n.Key)];
        foreach ((string, IPAddress) key in gone) _neighbors.Remove(key);
        return gone.Length > 0;
    }

    /// <summary>An address with the bits behind a prefix taken away.</summary>
    public static IPAddress Masked(IPAddress address, int bits)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = 0; i < bytes.Length; i++)
        {
            int kept = Math.Clamp(bits - (8 * i), 0, 8);
            bytes[i] &= (byte)(0xff00 >> kept);
        }

        return new IPAddress(bytes);
    }
}
