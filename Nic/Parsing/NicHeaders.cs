namespace Mergeflow.Nic;


/// <summary>Headers that <see cref="NicParser"/> found whole and sane; big-endian in <see cref="NicKey"/>.</summary>
[Flags]
public enum NicHeaders : ushort
{
    None = 0,
    Vlan = 1,
    Vlan2 = 2,
    Mpls = 4,
    Ipv4 = 8,

    /// <summary>IPv6 without extension headers.</summary>
    Ipv6 = 16,
    Tcp = 32,
    Udp = 64,
    Icmp = 128,
    Icmp6 = 256,
    Arp = 512,

    /// <summary>Neighbour solicitation or advertisement with sane options.</summary>
    Nd = 1024,
}
