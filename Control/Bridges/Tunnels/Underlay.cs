using System.Net;
using System.Net.Sockets;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Ports;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>
/// Tells the tunnels of all bridges which way their packets go: follows the host's routes, neighbours and addresses, and which ports have the addresses by which they come and go
/// (OVS <c>ovs-router</c>, <c>tnl-ports</c>, <c>tnl-neigh-cache</c>). For a next hop that is not known it has the kernel ask; behind a port without a device the request goes through the tables of its bridge, and the reply teaches on its way to the port. For one thread.
/// </summary>
internal sealed class Underlay : IDisposable
{
    private const int AskAgainMs = 1000;
    private const int AskAnywayMs = 60_000;
    private const int MostAsked = 1024;
    private const int DiscardPort = 9;

    private readonly List<LiveBridge> _bridges;
    private readonly RtnetlinkWatch _kernel;
    private readonly List<UnderlayPlace> _places = [];
    private readonly Dictionary<(int Device, IPAddress Hop), long> _askedMs = [];
    private readonly Dictionary<string, int> _dummies = [];
    private int _lastDummy;
    private bool _isDirty = true;

    /// <param name="bridges">The bridges that there are; the list changes.</param>
    /// <param name="withRoutes">The kernel's routes lead tunnels, beside those that were said.</param>
    public Underlay(List<LiveBridge> bridges, bool withRoutes = true)
    {
        _bridges = bridges;
        _kernel = new RtnetlinkWatch(RtTopics.Links | RtTopics.Neighbors | RtTopics.Addresses | (withRoutes ? RtTopics.Routes : 0));
    }

    /// <summary>What the kernel has told.</summary>
    public HostNetwork Host { get; } = new();

    /// <summary>Where tunnels begin and end; none where there are no tunnels.</summary>
    public IReadOnlyList<UnderlayPlace> Places => _places;

    /// <summary>Bridges or their ports have changed.</summary>
    public void Changed() => _isDirty = true;

    /// <summary>What ends a wait.</summary>
    public void Watch(PollSet set) => set.Add(_kernel.Descriptor);

    /// <summary>Takes over what is new, and tells the bridges.</summary>
    public void Run(long nowMs)
    {
        while (_kernel.TryRead(out RtEvent? told))
        {
            _isDirty = true;
            if (told.Kind != RtEventKind.Overrun)
            {
                Host.Learn(told);
                continue;
            }

            Host.Clear();
            _kernel.DumpAgain();
        }

        if (Host.Said.Expire(nowMs)) _isDirty = true;
        if (LearnNeighbors(nowMs)) _isDirty = true;
        if (_isDirty) Update(nowMs);
        AskForUnknown(nowMs);
    }

    /// <summary>Takes over which ports without devices have addresses.</summary>
    public void LookAtDummies()
    {
        DummyPort[] dummies = [.. _bridges.SelectMany(static b => b.AddressedDummies)];
        foreach (string name in _dummies.Keys.Except(dummies.Select(static d => d.Name)).ToArray()) _dummies.Remove(name);
        foreach (DummyPort dummy in dummies) _dummies.TryAdd(dummy.Name, --_lastDummy);
        Host.SayDevices([.. dummies.Select(d => new RtLink { Index = _dummies[d.Name], Name = d.Name, Mac = d.Mac, Flags = d.IsUp ? 1u : 0, HasCarrier = d.HasCarrier })],
            [.. dummies.SelectMany(d => d.Addresses.Select(a => new RtAddress(_dummies[d.Name], a.Address, a.PrefixBits)))]);
    }

    /// <summary>Which way a tunnel with a fixed peer takes, for the column <c>status</c> (OVS <c>tunnel_get_status</c>).</summary>
    public IReadOnlyDictionary<string, string> EgressOf(TunnelPort? tunnel)
    {
        SortedDictionary<string, string> status = new(StringComparer.Ordinal);
        if (tunnel?.Remote is not { } remote || Host.RouteTo(ToAddress(remote, tunnel.IsIpv6 == true)) is not { } route || Host.Link(route.NextHops[0].Interface) is not { } device) return status;
        (status["tunnel_egress_iface"], status["tunnel_egress_iface_carrier"]) = (device.Name, device.HasCarrier == false ? "down" : "up");
        return status;
    }

    /// <summary>A port goes: nobody is behind it any more (OVS <c>tnl_neigh_flush</c>).</summary>
    public void Forget(string port)
    {
        if (Host.Said.FlushNeighbors(port)) _isDirty = true;
    }

    /// <summary>A bridge goes: nothing leads there any more.</summary>
    public void Leave(LiveBridge bridge)
    {
        _places.RemoveAll(p => p.By == bridge);
        _isDirty = true;
    }

    /// <inheritdoc/>
    public void Dispose() => _kernel.Dispose();

    private void Update(long nowMs)
    {
        _isDirty = false;
        LookAtDummies();
        _places.Clear();
        foreach (LiveBridge by in _bridges.Where(by => _bridges.Exists(of => of.Shared == by.Shared && of.Tunnels.Any())))
        {
            foreach (NetDevicePort device in by.Devices.Where(d => AddressesOf(d.IfIndex).Any())) _places.Add(new UnderlayPlace(by, device.Ofport, device.IfIndex));
            foreach (DummyPort dummy in by.AddressedDummies) _places.Add(new UnderlayPlace(by, dummy.Ofport, _dummies[dummy.Name]));
        }

        foreach (LiveBridge bridge in _bridges) bridge.Bridge.Ports.SetUnderlay(Of(bridge), nowMs);
    }

    private TunnelUnderlay Of(LiveBridge bridge)
    {
        UnderlayPlace[] all = [.. _places.Where(p => p.By.Shared == bridge.Shared)];
        if (all.Length == 0) return TunnelUnderlay.None;
        bool hasTunnels = bridge.Tunnels.Any();
        return new TunnelUnderlay
        {
            Routes = new EquatableList<TunnelRoute>(hasTunnels ? Routes(all) : []),
            Neighbors = new EquatableList<TunnelNeighbor>(hasTunnels ? all.SelectMany(NeighborsOf) : []),
            Ends = new EquatableList<TunnelEnd>(all.Where(p => p.By == bridge).SelectMany(EndsOf)),
        };
    }

    /// <summary>Routes by devices of the switch, and those of other devices that win over them.</summary>
    private IEnumerable<TunnelRoute> Routes(UnderlayPlace[] places)
    {
        RtRoute[] all = [.. Host.OwnRoutes];
        RtRoute[] own = [.. all.Where(r => Array.Exists(places, p => p.Device == r.NextHops[0].Interface))];
        foreach (RtRoute route in all)
        {
            RtNextHop hop = route.NextHops[0];
            bool isV6 = route.Destination.AddressFamily == AddressFamily.InterNetworkV6;
            if (Array.Find(places, p => p.Device == hop.Interface) is { } place && Host.Link(hop.Interface) is { IsUp: true } device)
            {
                if ((route.PreferredSource ?? Host.SourceFor(hop.Interface, hop.Gateway ?? route.Destination)) is not { } source) continue;
                yield return new TunnelRoute(HostNetwork.Raw(route.Destination), route.PrefixLength, isV6, place.Port, device.Name, EthAddress.FromUInt64(device.Mac), HostNetwork.Raw(source),
                    hop.Gateway is { } gateway && gateway.AddressFamily == route.Destination.AddressFamily ? HostNetwork.Raw(gateway) : null)
                { Bridge = place.By.Pipeline };
            }
            else if (Array.Exists(own, o => o.PrefixLength <= route.PrefixLength && HostNetwork.Covers(o.Destination, o.PrefixLength, route.Destination)))
            {
                yield return new TunnelRoute(HostNetwork.Raw(route.Destination), route.PrefixLength, isV6, 0, Host.Link(hop.Interface)?.Name ?? "", default, default, null);
            }
        }
    }

    /// <summary>Those of the device, and behind a port without one those of its bridge.</summary>
    private IEnumerable<TunnelNeighbor> NeighborsOf(UnderlayPlace place)
    {
        IEnumerable<(IPAddress Address, ulong Mac)> ofBridge = place.Device < 0 ? Host.Said.Neighbors.Where(n => n.Device == place.By.Name).Select(static n => (n.Address, n.Mac)) : [];
        return Host.Neighbors.Where(n => n.Interface == place.Device).Select(static n => (n.Address, Mac: n.Mac!.Value)).Concat(ofBridge).DistinctBy(static n => n.Address)
            .OrderBy(static n => n.Address.ToString(), StringComparer.Ordinal)
            .Select(n => new TunnelNeighbor(place.Port, HostNetwork.Raw(n.Address), n.Address.AddressFamily == AddressFamily.InterNetworkV6, EthAddress.FromUInt64(n.Mac)) { Bridge = place.By.Pipeline });
    }

    /// <summary>What packets to ports without devices have told; where there is a device, the kernel learns. False = nothing new.</summary>
    private bool LearnNeighbors(long nowMs)
    {
        bool isNew = false;
        foreach (LiveBridge by in _bridges)
        {
            foreach (SeenNeighbor seen in by.Pipeline.TakeSeenNeighbors())
            {
                if (!_places.Exists(p => p.By == by && p.Port == seen.Port && p.Device < 0)) continue;
                Host.Said.SetNeighbor(by.Name, ToAddress(seen.Address, seen.IsIpv6), seen.Mac.ToUInt64(), nowMs);
                isNew = true;
            }
        }

        return isNew;
    }

    private IEnumerable<TunnelEnd> EndsOf(UnderlayPlace place)
    {
        if (Host.Link(place.Device) is not { } device) yield break;
        foreach (IPAddress address in AddressesOf(place.Device).OrderBy(static a => a.ToString(), StringComparer.Ordinal))
        {
            foreach ((TunnelKind kind, ushort port) in _bridges.Where(b => b.Shared == place.By.Shared).SelectMany(static b => b.Tunnels).Select(static t => (t.Kind, t.DestinationPort)).Distinct().Order())
            {
                yield return new TunnelEnd(place.Port, EthAddress.FromUInt64(device.Mac), HostNetwork.Raw(address), address.AddressFamily == AddressFamily.InterNetworkV6, kind, port);
            }
        }
    }

    private IEnumerable<IPAddress> AddressesOf(int device) => Host.Addresses.Where(a => a.Interface == device && !a.Address.IsIPv6LinkLocal).Select(static a => a.Address);

    /// <summary>Next hops that packets wanted, and those of peers that the database names.</summary>
    private void AskForUnknown(long nowMs)
    {
        foreach (LiveBridge bridge in _bridges)
        {
            foreach ((uint port, Ipv6Address address, bool isIpv6) in bridge.Pipeline.TakeUnknownHops())
            {
                if (_places.Find(p => p.By == bridge && p.Port == port) is not { } place) continue;
                if (place.Device < 0) AskByBridge(place, address, isIpv6);
                else Ask(place.Device, ToAddress(address, isIpv6), nowMs, AskAgainMs);
            }

            foreach (TunnelPort tunnel in bridge.Tunnels)
            {
                if (tunnel.Remote is not { } remote) continue;
                IPAddress peer = ToAddress(remote, tunnel.IsIpv6 == true);
                if (Host.RouteTo(peer)?.NextHops[0] is not { } hop || !_places.Exists(p => p.By.Shared == bridge.Shared && p.Device == hop.Interface)) continue;
                IPAddress next = hop.Gateway ?? peer;
                Ask(hop.Interface, next, nowMs, Host.MacOf(hop.Interface, next) is null ? AskAgainMs : AskAnywayMs);
            }
        }
    }

    /// <summary>A request that seems to come from the port, through the tables of its bridge (OVS <c>compose_table_xlate</c>).</summary>
    private void AskByBridge(UnderlayPlace place, in Ipv6Address address, bool isIpv6)
    {
        if (Host.SourceFor(place.Device, ToAddress(address, isIpv6)) is not { } own || Host.Link(place.Device) is not { } device) return;
        PipelineFlow flow = default;
        flow.Key.InPort = Be32.FromHost(place.Port);
        byte[] frame = NeighborRequest.Write(device.Mac, HostNetwork.Raw(own), address, isIpv6);
        place.By.Bridge.PacketOut(frame, flow, new EquatableList<OfAction>([new OfOutputSpecial(OfReservedPort.Table)]), LiveSwitch.NowMs);
    }

    /// <summary>A datagram for nobody: the kernel has to find out where it goes.</summary>
    private void Ask(int device, IPAddress hop, long nowMs, int everyMs)
    {
        const int solSocket = 1, bindToDevice = 25;
        if (_askedMs.TryGetValue((device, hop), out long askedMs) && nowMs - askedMs < everyMs) return;
        if (device < 0 || Host.Link(device) is not { IsUp: true } link) return;
        if (_askedMs.Count >= MostAsked) _askedMs.Clear();
        _askedMs[(device, hop)] = nowMs;
        try
        {
            using Socket socket = new(hop.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.SetRawSocketOption(solSocket, bindToDevice, System.Text.Encoding.UTF8.GetBytes(link.Name));
            socket.SendTo([], new IPEndPoint(hop, DiscardPort));
        }
        catch (SocketException)
        {
            // The device is not ready: asked again later.
        }
    }

    internal static IPAddress ToAddress(in Ipv6Address address, bool isIpv6)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, address.ToUInt128());
        return new IPAddress(isIpv6 ? bytes : bytes[..4]);
    }
}
