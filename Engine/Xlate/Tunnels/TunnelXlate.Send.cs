using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <content>Outputs to tunnel ports: what is put on, and where it goes below.</content>
internal sealed unsafe partial class TunnelXlate
{
    /// <summary>Encapsulates a copy of the packet and sends it below; <paramref name="maxLengthBytes"/> of the inner packet, 0 = all.</summary>
    public void Transmit(PipelinePort port, TunnelPort t, uint maxLengthBytes)
    {
        ref FlowKey key = ref _flow.Key;
        DpSetTunnel tunnel = default;
        if (t.OutKey is { } outKey)
        {
            tunnel.Id = Be64.FromHost(outKey);
        }
        else
        {
            _flow.Consult(L.TunId, ulong.MaxValue);
            tunnel.Id = key.TunId;
        }

        bool isPushed = _context.Pipeline.PushesTunnels;
        if (!SetEnds(t, ref tunnel)) return;
        if (port.Counters is { } sent) _context.Out.Groups.Add(sent.Tx);
        _context.Detail(isPushed ? "output to native tunnel" : "output to kernel tunnel");

        GeneveOption option = default;
        if (t.Kind == TunnelKind.Geneve && _context.Tables.Option.Exists)
        {
            _flow.Consult(L.TunOptions, 0xff);
            _flow.Consult(L.TunMetadata0, ulong.MaxValue);
            if (key.TunOptions != 0) option = _context.Tables.Option;
        }

        tunnel.Ttl = t.Ttl;
        tunnel.Tos = t.Tos;
        if (_flow.IsIp)
        {
            if (t.InheritsTtl)
            {
                _flow.Consult(L.NwTtl, 0xff);
                tunnel.Ttl = key.NwTtl;
            }

            _flow.Consult(L.NwTos, t.InheritsTos ? 0xffu : EcnMask);
            if (t.InheritsTos) tunnel.Tos = (byte)(key.NwTos & ~EcnMask);

            // A mark that the packet has got already is not passed on as if it had been set on this way.
            int ecn = key.NwTos & EcnMask;
            tunnel.Tos = (byte)((tunnel.Tos & ~EcnMask) | (ecn == EcnCe ? EcnEct0 : ecn));
        }

        const ushort oam = (ushort)TunnelFlags.Oam;
        _flow.Consult(L.TunFlags, System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(oam));
        TunnelFlags flags = ((TunnelFlags)key.TunFlags.Host & TunnelFlags.Oam) | (t.DontFragment ? TunnelFlags.DontFragment : 0) | (t.HasChecksum ? TunnelFlags.Checksum : 0) | (t.HasOutKey ? TunnelFlags.Key : 0);
        tunnel.Flags = Be16.FromHost((ushort)flags);

        // Behind all that the port wants to know of the packet (OVS tnl_port_send).
        (uint Port, EthAddress Mac, EthAddress NextHop, OfPipeline? Bridge)? found = isPushed ? Way(t, ref tunnel) : (0, default, default, null);
        if (found is not { } way) return;
        if (!isPushed)
        {
            tunnel.DestinationPort = Be16.FromHost(t.DestinationPort);
            SetAndSend(t, tunnel, maxLengthBytes);
            return;
        }

        _committer.Commit();
        int record = _context.Out.Count;
        _context.Out.Add(DpOp.Clone);
        if (maxLengthBytes != 0) _context.Out.Add(DpOp.Truncate).LengthBytes = maxLengthBytes;
        ref DpAction push = ref _context.Out.Add(DpOp.TnlPush);
        push.Push = TunnelHeader.Build(t.Kind, way.Mac, way.NextHop, tunnel, t.DestinationPort, option, _flow.Key.TunMetadata0.Host);
        push.CountedPort = port.DatapathNumber;
        PipelinePort? below = way.Bridge?.Snapshot.Ports.GetValueOrDefault(way.Port);
        push.OutPort = below?.DatapathNumber ?? 0;
        int pushed = _context.Out.Count;
        if (way.Bridge is null) _context.Out.Add(DpOp.Output).Port = way.Port;
        else if (below is not null) Below(OuterOf(t, tunnel, way.Mac, way.NextHop), new BridgePort(way.Bridge, below));
        if (_context.Out.Count == pushed) _context.Out.Truncate(record);
        else _context.Out.Nest(record);
    }

    /// <summary>The headers in front of a packet that has been encapsulated, as tables see them (OVS <c>propagate_tunnel_data_to_flow</c>). The UDP source port is a hash, and shown as 0.</summary>
    private static FlowKey OuterOf(TunnelPort t, in DpSetTunnel tunnel, EthAddress source, EthAddress destination)
    {
        bool isIpv6 = !tunnel.Ipv6Dst.IsZero;
        FlowKey outer = default;
        (outer.DlDst, outer.DlSrc, outer.DlType) = (destination, source, Be16.FromHost(isIpv6 ? EthType.Ipv6 : EthType.Ip));
        (outer.NwSrc, outer.NwDst, outer.Ipv6Src, outer.Ipv6Dst) = (tunnel.Src, tunnel.Dst, tunnel.Ipv6Src, tunnel.Ipv6Dst);
        (outer.NwTos, outer.NwTtl, outer.NwProto) = (tunnel.Tos, tunnel.Ttl, t.Kind == TunnelKind.Gre ? IpProto.Gre : IpProto.Udp);
        outer.TpDst = Be16.FromHost(t.DestinationPort);
        return outer;
    }

    /// <summary>Leaves the encapsulation to the datapath port that has the tunnels (OVS <c>commit_odp_tunnel_action</c>): what is set already is not set again.</summary>
    private void SetAndSend(TunnelPort t, in DpSetTunnel tunnel, uint maxLengthBytes)
    {
        DpSetTunnel wanted = tunnel;
        if (maxLengthBytes != 0) _context.Out.Add(DpOp.Truncate).LengthBytes = maxLengthBytes;
        bool isSet = _hasSet && MemoryMarshal.AsBytes(new ReadOnlySpan<DpSetTunnel>(in wanted)).SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<DpSetTunnel>(in _set)));
        if (!isSet) _context.Out.Add(DpOp.SetTunnel).Tunnel = wanted;
        (_set, _hasSet) = (wanted, true);
        _committer.Commit();
        _context.Out.Add(DpOp.Output).Port = _context.Ports.Tunnels?.DatapathPortOf(_context.Pipeline, t) ?? t.Number;
    }

    /// <summary>Outer addresses as far as the port and the flow say them; false if there is no destination, or it is the one that the packet was sent to.</summary>
    private bool SetEnds(TunnelPort t, ref DpSetTunnel tunnel)
    {
        ref FlowKey key = ref _flow.Key;
        ref FlowKey original = ref *(FlowKey*)_flow.Original;
        if (t.IsIpv6 is null) _flow.Consult(L.TunDst, L.Window4);
        bool isIpv6 = t.IsIpv6 ?? key.TunDst.Host == 0;
        Ipv6Address source = t.Local ?? t.UnderlayAddress, destination = t.Remote ?? default;
        if (t.IsLocalFlow)
        {
            if (isIpv6) _flow.ConsultIpv6(L.TunIpv6Src);
            else _flow.Consult(L.TunSrc, L.Window4);
            Ipv6Address wanted = isIpv6 ? key.TunIpv6Src : Ipv4(key.TunSrc);
            if (!wanted.IsZero) source = wanted;
        }

        if (t.Remote is null)
        {
            if (isIpv6) _flow.ConsultIpv6(L.TunIpv6Dst);
            else _flow.Consult(L.TunDst, L.Window4);
            destination = isIpv6 ? key.TunIpv6Dst : Ipv4(key.TunDst);
        }

        if (isIpv6) (tunnel.Ipv6Src, tunnel.Ipv6Dst) = (source, destination);
        else (tunnel.Src, tunnel.Dst) = (Ipv4(source), Ipv4(destination));
        bool isSound = !destination.IsZero && (isIpv6 ? destination != original.TunIpv6Dst : tunnel.Dst != original.TunDst);
        if (!isSound) _context.Warn("Not tunneling to our own address");
        return isSound;
    }

    /// <summary>The port below, its Ethernet address and that of the next hop; null if there is no way now. A source that nobody has said is that of the route.</summary>
    private (uint Port, EthAddress Mac, EthAddress NextHop, OfPipeline? Bridge)? Way(TunnelPort t, ref DpSetTunnel tunnel)
    {
        if (!t.IsRouted && !t.FindsNextHop) return (t.UnderlayPort, t.UnderlayMac, t.NextHopMac, null);
        bool isIpv6 = !tunnel.Ipv6Dst.IsZero;
        Ipv6Address destination = isIpv6 ? tunnel.Ipv6Dst : Ipv4(tunnel.Dst);
        TunnelUnderlay underlay = _context.Tables.Underlay;
        if (underlay.Find(destination, isIpv6) is not { UnderlayPort: not 0 } route)
        {
            _context.Warn("native tunnel routing failed");
            return null;
        }

        if (isIpv6 && tunnel.Ipv6Src.IsZero) tunnel.Ipv6Src = route.Source;
        if (!isIpv6 && tunnel.Src.Host == 0) tunnel.Src = Ipv4(route.Source);
        Ipv6Address hop = route.Gateway ?? destination;
        if (underlay.MacOf(route.Bridge, route.UnderlayPort, hop, isIpv6) is not { } mac)
        {
            _context.Detail($"neighbor cache miss for {Text(hop, isIpv6)} on bridge {route.Device}, sending {(isIpv6 ? "ND" : "ARP")} request");
            (route.Bridge ?? _context.Pipeline).AskFor(route.UnderlayPort, hop, isIpv6);
            return null;
        }

        _context.Detail($"tunneling from {Text(isIpv6 ? tunnel.Ipv6Src : Ipv4(tunnel.Src), isIpv6)} to {Text(destination, isIpv6)} by {route.Device}");
        return (route.UnderlayPort, route.Mac, mac, route.Bridge);
    }

    private static string Text(in Ipv6Address address, bool isIpv6)
        => isIpv6 ? address.ToString() : new System.Net.IPAddress((long)System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((uint)(address.ToUInt128() >> 96))).ToString();
}
