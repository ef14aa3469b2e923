namespace Mergeflow.Engine;

/// <summary>What is known about a packet besides its bytes (DPDK <c>RTE_MBUF_F_RX_*</c>).</summary>
[Flags]
public enum PacketFlags : uint
{
    None = 0,

    /// <summary>Key and offsets describe the bytes as they are now.</summary>
    Parsed = 1,

    /// <summary>The receiver verified the IPv4 header checksum.</summary>
    IpCsumGood = 2,
    IpCsumBad = 4,

    /// <summary>The receiver verified the L4 checksum.</summary>
    L4CsumGood = 8,
    L4CsumBad = 16,

    /// <summary>The Ethernet type was found behind an 802.2 LLC/SNAP header.</summary>
    Snap = 32,
}
