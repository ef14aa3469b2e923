using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <summary>Tunnel metadata for a later encapsulation.</summary>
public struct DpSetTunnel
{
    public Be64 Id;
    public Be32 Src;
    public Be32 Dst;
    public Ipv6Address Ipv6Src;
    public Ipv6Address Ipv6Dst;
    public Be16 Flags;
    public byte Tos;
    public byte Ttl;
}
