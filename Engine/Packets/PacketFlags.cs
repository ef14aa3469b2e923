namespace Mergeflow.Engine.Packets;

/// <summary>What is known about a packet besides its bytes (DPDK <c>RTE_MBUF_F_RX_*</c>).</summary>
[Flags]
public enum PacketFlags : uint
{
    None = 0,

    /// <summary>The offsets describe the bytes as they are now, and so does the key, see <see cref="Outdated"/>.</summary>
    Parsed = 1,

    /// <summary>The receiver verified the IPv4 header checksum.</summary>
    IpCsumGood = 2,
    IpCsumBad = 4,

    /// <summary>The receiver verified the L4 checksum.</summary>
    L4CsumGood = 8,
    L4CsumBad = 16,

    /// <summary>The Ethernet type was found behind an 802.2 LLC/SNAP header.</summary>
    Snap = 32,

    /// <summary>Only the outermost VLAN tag is parsed (OVS <c>vlan-limit</c> 1): a second one is a payload of type 0x8100 or 0x88a8.</summary>
    OneTag = 64,

    /// <summary>
    /// Actions have changed what the parser would find: tags moved into or out of its reach, a message got other fields. The rest of the actions
    /// work on the headers where they are, by the offsets; before the next lookup the frame is parsed anew.
    /// </summary>
    Outdated = 128,

    /// <summary>
    /// The transport checksum has not been made: whoever sends the frame does it, or leaves it to the device (Linux <c>CHECKSUM_PARTIAL</c>). What stands in its place: <see cref="PartialChecksum"/>.
    /// It counts as good.
    /// </summary>
    CsumPartial = 256,

    /// <summary>The frame begins with what stood behind an Ethernet header, of type <see cref="Packet.BareType"/> (OVS <c>packet_type</c> of namespace 1). Only between two passes, or two actions.</summary>
    NoEthernet = 512,
}
