namespace Mergeflow.Nic;

/// <summary>Where <see cref="NicParser"/> found the headers of a frame; offsets from its first byte.</summary>
public struct NicParsed
{
    /// <summary>Headers that are whole and sane.</summary>
    public NicHeaders Headers;

    /// <summary>Checksum verdicts.</summary>
    public NicRxFlags RxFlags;

    /// <summary>The checksum that a rewrite of an address must follow, even if the header behind it is not sane.</summary>
    public NicChecksumKind Checksum;

    /// <summary>The type was found behind an LLC/SNAP header.</summary>
    public bool IsSnap;

    /// <summary>First byte behind Ethernet, tags and LLC/SNAP: the first MPLS label or the network header.</summary>
    public int NetworkOffset;

    /// <summary>Transport header, if there is IPv4 or IPv6.</summary>
    public int TransportOffset;

    /// <summary>Bytes of the IP payload, padding excluded.</summary>
    public int TransportLength;
}

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

    /// <summary>It came out of a tunnel over IPv4.</summary>
    Tunnel = 2048,
}

/// <summary>Transport checksums that cover the IP addresses.</summary>
public enum NicChecksumKind : byte
{
    None,
    Tcp,
    Udp,
    Icmp6,
}
