namespace Mergeflow.Engine.Keys;

/// <summary>IP protocol numbers.</summary>
public static class IpProto
{
    public const byte Icmp = 1;
    public const byte Igmp = 2;
    public const byte Tcp = 6;
    public const byte Udp = 17;
    public const byte Gre = 47;
    public const byte Icmpv6 = 58;
    public const byte Sctp = 132;
}
