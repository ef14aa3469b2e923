using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Actions;

/// <summary>Tunnel metadata.</summary>
public static unsafe partial class PacketEdit
{
    /// <summary>Sets the tunnel fields (OVS <c>struct flow_tnl</c>): all of lanes 6 and 7.</summary>
    public static void SetTunnel(Packet* packet, in DpSetTunnel tunnel)
    {
        PacketMetadata.ClearTunnel(packet);
        FlowKey* key = &packet->Key;
        key->TunId = tunnel.Id;
        key->TunSrc = tunnel.Src;
        key->TunDst = tunnel.Dst;
        key->TunIpv6Src = tunnel.Ipv6Src;
        key->TunIpv6Dst = tunnel.Ipv6Dst;
        key->TunFlags = tunnel.Flags;
        key->TunTos = tunnel.Tos;
        key->TunTtl = tunnel.Ttl;
        PacketMetadata.UpdateLaneBit(packet, Lanes.Tunnel);
        PacketMetadata.UpdateLaneBit(packet, Lanes.TunnelIpv6);
    }
}
