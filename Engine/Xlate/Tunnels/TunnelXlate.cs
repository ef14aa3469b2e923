using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>
/// Tunnel ports: where packets are decapsulated (OVS <c>terminate_native_tunnel</c>), whose they are then (<c>tnl_port_receive</c>), and with what
/// they are encapsulated (<c>tnl_port_send</c>, <c>native_tunnel_output</c>).
/// </summary>
internal sealed partial class TunnelXlate(XlateContext context, Committer committer)
{
    private const byte EcnMask = 3;
    private const byte EcnCe = 3;
    private const byte EcnEct0 = 2;

    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly Committer _committer = committer;
    private DpSetTunnel _set;
    private bool _hasSet;

    /// <summary>What has been encapsulated goes on at a port of a bridge.</summary>
    /// <param name="outer">Its headers.</param>
    /// <param name="to">The port.</param>
    public delegate void Passes(in FlowKey outer, BridgePort to);

    /// <summary>Goes on with what has been encapsulated.</summary>
    public Passes Below { get; set; } = static (in FlowKey _, BridgePort _) => { };

    /// <summary>The packet was dropped because congestion cannot be told to it.</summary>
    public bool IsCongested { get; private set; }

    /// <summary>
    /// What tunnels have to say before the first table: true if the translation ends here, because the packet is decapsulated or belongs to no port.
    /// </summary>
    public bool Begin()
    {
        _hasSet = IsCongested = false;
        uint port = _flow.InPort;
        bool isEntry = _context.Tables.Underlay.IsEntry(port);
        if (_context.Ports.Tunnels is not { } tunnels) return isEntry;
        if (isEntry)
        {
            if (!Decapsulate(tunnels, port, isEntry: true)) _context.Error("received packet for no tunnel");
            return true;
        }

        if (_context.IsExplained && IsOf(tunnels, port)) return !KeepsCongestionMark();
        if (_context.IsOfBridge && !_context.Ports.IsSingle) return false;
        if (tunnels.IsDatapathPort(port)) return !ReceiveFromTunnel(tunnels, port);
        return tunnels.IsUnderlay(port) && Decapsulate(tunnels, port, isEntry: false);
    }

    /// <summary>A BFD message for the session of the port goes up, and nowhere else (OVS <c>process_special</c>).</summary>
    public bool TakeBfd()
    {
        const ushort bfdPort = 3784;
        if (_context.Tables.Bfd.IsEmpty || !_context.Tables.Bfd.TryGetValue(_flow.InPort, out BfdMatch? match)) return false;
        ref FlowKey key = ref _flow.Key;
        if (match.Destination != default)
        {
            _flow.Consult(L.DlDst, L.Window6);
            if (key.DlDst != match.Destination) return false;
        }

        if (_flow.DlType != EthType.Ip) return false;
        _flow.Consult(L.NwProto, 0xff);
        if (key.NwProto != IpProto.Udp || (key.NwFrag & NwFrag.Later) != 0) return false;
        _flow.Consult(L.TpDst, L.Window2);
        if (key.TpDst.Host != bfdPort) return false;
        if (match.Address != 0)
        {
            _flow.Consult(L.NwDst, L.Window4);
            if (key.NwDst.Host != match.Address) return false;
        }

        if (match.IsKeyZero)
        {
            _flow.Consult(L.TunId, ulong.MaxValue);
            if (key.TunId.Host != 0) return false;
        }

        ref DpUserspace told = ref _context.Out.Add(DpOp.Userspace).Userspace;
        (told.Reason, told.Bridge, told.OutputPort) = (UserspaceReason.Bfd, _context.Pipeline.Id, _flow.InPort);
        _context.Detail("BFD message for the port's session");
        return true;
    }

    /// <summary>
    /// An untagged, whole packet to the underlay's addresses and a tunnel's protocol and port is decapsulated; the bits that decide are consulted one
    /// after the other, so that other traffic stays wildcarded.
    /// </summary>
    private bool Decapsulate(TunnelTable tunnels, uint underlay, bool isEntry)
    {
        if (!_flow.IsIp || _flow.ConsultVlanPresent()) return false;
        ref FlowKey key = ref _flow.Key;
        bool isIpv6 = _flow.DlType == EthType.Ipv6;
        _flow.Consult(L.NwProto, 0xff);
        if (key.NwProto is not (IpProto.Udp or IpProto.Gre)) return false;
        Ipv6Address destination = default;

        // What has ended at another bridge was looked at there.
        if (!isEntry)
        {
            destination = ConsultDestination(isIpv6);
            bool isOurs = false;
            foreach (TunnelPlace place in tunnels.Ports) isOurs |= place.Bridge == _context.Pipeline && IsAt(place.Tunnel, underlay, isIpv6, destination, key.DlDst, key.NwProto);
            if (!isOurs) return false;
        }

        _flow.Consult(L.NwFrag, (byte)NwFrag.Any);
        if (key.NwFrag != NwFrag.No) return false;
        if (key.NwProto == IpProto.Udp) _flow.Consult(L.TpDst, L.Window2);
        foreach (TunnelPlace place in tunnels.Ports)
        {
            TunnelPort t = place.Tunnel;
            if (place.Bridge != _context.Pipeline) continue;
            if (isEntry ? !t.IsRouted || (key.NwProto == IpProto.Gre) != (t.Kind == TunnelKind.Gre) : !IsAt(t, underlay, isIpv6, destination, key.DlDst, key.NwProto)) continue;
            if (key.NwProto == IpProto.Udp && key.TpDst.Host != t.DestinationPort) continue;
            Pop(place);
            return true;
        }

        return false;
    }

    private void Pop(TunnelPlace place)
    {
        ref DpAction pop = ref _context.Out.Add(DpOp.TnlPop);
        pop.Port = place.DatapathPort;
        pop.TunnelKind = place.Tunnel.Kind;
        if (place.Tunnel.Kind == TunnelKind.Geneve) pop.Option = place.Bridge == _context.Pipeline ? _context.Tables.Option : place.Bridge.Snapshot.Option;
    }

    /// <summary>A tunnel that takes what ends there; null = there is none any more. Of several, one that reads an option.</summary>
    private TunnelPlace? PlaceOf(TunnelEnd end)
    {
        if (_context.Ports.Tunnels is not { } tunnels) return null;
        TunnelPlace? found = null;
        foreach (TunnelPlace place in tunnels.Ports)
        {
            if (place.Tunnel.Kind != end.Kind || place.Tunnel.DestinationPort != end.DestinationPort) continue;
            if (found is null || (!found.Value.Bridge.Snapshot.Option.Exists && place.Bridge.Snapshot.Option.Exists)) found = place;
        }

        return found;
    }

    /// <summary>The Ethernet and IP destination decide.</summary>
    private Ipv6Address ConsultDestination(bool isIpv6)
    {
        _flow.Consult(L.DlDst, L.Window6);
        if (isIpv6) _flow.ConsultIpv6(L.Ipv6Dst);
        else _flow.Consult(L.NwDst, L.Window4);
        return isIpv6 ? _flow.Key.Ipv6Dst : Ipv4(_flow.Key.NwDst);
    }

    /// <summary>
    /// An output to a port with addresses: if the packet is one that tunnels of some bridge expect there, it is decapsulated there instead (OVS <c>terminate_native_tunnel</c>, <c>tnl_port_map_lookup</c>).
    /// Whose it is, the key says.
    /// </summary>
    public bool TryEnd(uint port)
    {
        if (!_flow.IsIp || _flow.ConsultVlanPresent()) return false;
        ref FlowKey key = ref _flow.Key;
        bool isIpv6 = _flow.DlType == EthType.Ipv6;
        _flow.Consult(L.NwProto, 0xff);
        if (key.NwProto is not (IpProto.Udp or IpProto.Gre)) return false;
        Ipv6Address destination = ConsultDestination(isIpv6);
        bool isOurs = false;
        foreach (TunnelEnd end in _context.Tables.Underlay.Ends) isOurs |= end.Is(port, key.DlDst, isIpv6, destination);
        if (!isOurs) return false;
        _flow.Consult(L.NwFrag, (byte)NwFrag.Any);
        if (key.NwFrag != NwFrag.No) return false;
        if (key.NwProto == IpProto.Udp) _flow.Consult(L.TpDst, L.Window2);
        bool ends = false;
        foreach (TunnelEnd end in _context.Tables.Underlay.Ends)
        {
            if ((key.NwProto == IpProto.Gre) != (end.Kind == TunnelKind.Gre) || !end.Is(port, key.DlDst, isIpv6, destination)) continue;
            if (key.NwProto == IpProto.Udp && key.TpDst.Host != end.DestinationPort) continue;
            if (PlaceOf(end) is not { } place) continue;
            _committer.Commit();
            Pop(place);
            ends = true;
            break;
        }

        if (ends && !_context.IsSilent) _context.Pipeline.See(new SeenNeighbor(port, isIpv6 ? key.Ipv6Src : Ipv4(key.NwSrc), isIpv6, key.DlSrc));
        return ends;
    }

    /// <summary>
    /// An output to a port with addresses of a packet that does not end there: an ARP reply or a neighbour advertisement to an address of the bridge, or an ARP message of somebody about himself, tells whose an address is
    /// (OVS <c>tnl_arp_snoop</c>, <c>tnl_nd_snoop</c>).
    /// </summary>
    public void Snoop(uint port)
    {
        ref FlowKey key = ref _flow.Key;
        if (_flow.DlType == EthType.Arp)
        {
            const byte reply = 2;
            _flow.Consult(L.NwSrc, L.Window4);
            _flow.Consult(L.NwDst, L.Window4);
            bool isAboutHimself = key.NwSrc == key.NwDst;
            if (!isAboutHimself && !IsToUs(isIpv6: false, Ipv4(key.NwDst))) return;
            if (!isAboutHimself)
            {
                _flow.Consult(L.NwProto, 0xff);
                if (key.NwProto != reply) return;
            }

            _flow.Consult(L.ArpSha, L.Window6);
            if (key.ArpSha != default && !_context.IsSilent) _context.Pipeline.See(new SeenNeighbor(port, Ipv4(key.NwSrc), false, key.ArpSha));
            return;
        }

        const ushort advertisement = 136;
        if (_flow.DlType != EthType.Ipv6 || key.NwProto != IpProto.Icmpv6 || !IsToUs(isIpv6: true, key.Ipv6Dst)) return;
        _flow.Consult(L.NwProto, 0xff);
        _flow.Consult(L.TpDst, L.Window2);
        if (key.TpDst.Host != 0) return;
        _flow.Consult(L.TpSrc, L.Window2);
        if (key.TpSrc.Host != advertisement) return;
        _flow.Consult(L.ArpTha, L.Window6);
        if (key.ArpTha == default) return;
        _flow.ConsultIpv6(L.Ipv6Src);
        _flow.ConsultIpv6(L.Ipv6Dst);
        _flow.ConsultIpv6(L.NdTarget);
        if (!_context.IsSilent) _context.Pipeline.See(new SeenNeighbor(port, key.NdTarget, true, key.ArpTha));
    }

    /// <summary>Some port of the bridge has the address, or the solicited-node address is its (RFC 4291, 2.7.1).</summary>
    private bool IsToUs(bool isIpv6, in Ipv6Address address)
    {
        UInt128 asked = address.ToUInt128();
        bool isSolicitedNode = isIpv6 && asked >> 24 == new UInt128(0xff02_0000_0000_0000, 0x0000_0001_ff00_0000) >> 24;
        foreach (TunnelEnd end in _context.Tables.Underlay.Ends)
        {
            if (end.IsIpv6 != isIpv6) continue;
            if (end.Address == address || (isSolicitedNode && ((end.Address.ToUInt128() ^ asked) & 0xff_ffff) == 0)) return true;
        }

        return false;
    }

    private static bool IsAt(TunnelPort t, uint underlay, bool isIpv6, in Ipv6Address destination, EthAddress mac, byte proto)
        => !t.IsRouted && t.UnderlayPort == underlay && t.IsIpv6 == isIpv6 && t.UnderlayMac == mac && (proto == IpProto.Gre) == (t.Kind == TunnelKind.Gre)
            && (t.UnderlayAddress == destination || t.Local == destination);

    /// <summary>Finds the OpenFlow port by key and outer addresses, and its bridge; false if there is none, or if congestion cannot be told to the inner packet.</summary>
    public bool ReceiveFromTunnel(TunnelTable tunnels, uint datapathPort)
    {
        IsCongested = false;
        ref FlowKey key = ref _flow.Key;
        for (int at = L.TunId; at < L.TunFlags; at += sizeof(ulong)) _flow.Consult(at, ulong.MaxValue);
        bool isIpv6 = !key.TunIpv6Dst.IsZero;
        Ipv6Address source = isIpv6 ? key.TunIpv6Src : Ipv4(key.TunSrc), destination = isIpv6 ? key.TunIpv6Dst : Ipv4(key.TunDst);
        foreach (TunnelPlace place in tunnels.Ports)
        {
            TunnelPort t = place.Tunnel;
            if (place.DatapathPort != datapathPort || (t.IsIpv6 is { } family && family != isIpv6)) continue;
            if (t.InKey is { } wanted && wanted != key.TunId.Host) continue;
            if (t.Remote is { } remote && remote != source) continue;
            if (t.Local is { } local && local != destination) continue;
            _context.Enter(place.Bridge);
            _flow.Write(L.InPort, L.Window4, Be32.FromHost(t.Number).Raw);
            if (place.Port.Counters is { } received) _context.Out.Groups.Add(received.Rx);
            return KeepsCongestionMark();
        }

        _context.Error("received packet on unknown tunnel");
        return false;
    }

    /// <summary>RFC 6040: congestion marked outside is marked inside; a packet that cannot be marked is dropped (OVS <c>tnl_process_ecn</c>).</summary>
    private bool KeepsCongestionMark()
    {
        ref FlowKey key = ref _flow.Key;
        _flow.Consult(L.TunTos, EcnMask);
        if ((key.TunTos & EcnMask) != EcnCe || !_flow.IsIp) return true;
        _flow.Consult(L.NwTos, EcnMask);
        if ((key.NwTos & EcnMask) == 0)
        {
            IsCongested = true;
            return false;
        }

        if ((key.NwTos & EcnMask) == EcnCe) return true;
        _flow.Write(L.NwTos, EcnMask, EcnCe);
        _flow.IsDirty = true;
        return true;
    }

    /// <summary>A packet that is explained has come by a tunnel port, in a tunnel: whose it is, is known.</summary>
    private bool IsOf(TunnelTable tunnels, uint port)
    {
        ref FlowKey key = ref _flow.Key;
        if (key.TunDst.Raw == 0 && key.TunIpv6Dst.IsZero) return false;
        foreach (TunnelPlace place in tunnels.Ports)
        {
            if (place.Bridge != _context.Pipeline || place.Tunnel.Number != port) continue;
            ConsultTunnel();
            return true;
        }

        return false;
    }

    /// <summary>What decides whose a tunnelled packet is (OVS <c>tnl_wc_init</c>).</summary>
    private void ConsultTunnel()
    {
        const ushort read = (ushort)(TunnelFlags.DontFragment | TunnelFlags.Checksum | TunnelFlags.Key);
        _flow.Consult(L.TunId, ulong.MaxValue);
        if (_flow.Key.TunDst.Raw != 0)
        {
            _flow.Consult(L.TunSrc, L.Window4);
            _flow.Consult(L.TunDst, L.Window4);
        }
        else
        {
            _flow.ConsultIpv6(L.TunIpv6Src);
            _flow.ConsultIpv6(L.TunIpv6Dst);
        }

        _flow.Consult(L.TunFlags, System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(read));
        _flow.Consult(L.TunTos, 0xff);
        if (_flow.IsIp) _flow.Consult(L.NwTos, EcnMask);
    }

    private static Ipv6Address Ipv4(Be32 address) => Ipv6Address.FromUInt128((UInt128)address.Host << 96);

    private static Be32 Ipv4(in Ipv6Address address) => Be32.FromHost((uint)(address.ToUInt128() >> 96));
}
