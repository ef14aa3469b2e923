using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Packets;

/// <summary>
/// Descriptor of one packet (DPDK <c>rte_mbuf</c>, OVS <c>struct dp_packet</c>), at the start of its slot in a <see cref="PacketPool"/>.
/// </summary>
/// <remarks>
/// <code>
/// slot:  [0..63] descriptor | [64..351] FlowKey | [384..) headroom | frame bytes | tailroom (>= 64 bytes are readable behind the frame)
/// </code>
/// <see cref="Key"/> holds the parsed headers and, for the packet's whole life, its metadata (in_port, recirc_id, ct_*, dp_hash,
/// pkt_mark, tunnel): parsing rewrites the header fields and keeps the metadata fields. Only the lanes in <see cref="KeyLanes"/> are
/// valid; an absent lane means all zero, whatever its memory holds.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = HeaderSizeBytes)]
public unsafe struct Packet
{
    /// <summary>Bytes in front of the headroom.</summary>
    public const int HeaderSizeBytes = 384;

    /// <summary>Offset that means "there is no such header".</summary>
    public const ushort NoOffset = 0xffff;

    /// <summary>Bytes behind the frame that may be read (never interpreted), so that a kernel can load whole vectors.</summary>
    public const int ReadableTailroomBytes = 64;

    /// <summary>Longest frame: every offset fits below <see cref="NoOffset"/>, pushed headers included.</summary>
    public const int MaxLengthBytes = 65_280;

    /// <summary>First byte of the frame.</summary>
    [FieldOffset(0)] public byte* Data;

    /// <summary>Length of the frame.</summary>
    [FieldOffset(8)] public int LengthBytes;

    /// <summary>Slot number in its pool.</summary>
    [FieldOffset(12)] public int Slot;

    [FieldOffset(16)] public PacketFlags Flags;

    /// <summary>Bitmap of the valid lanes of <see cref="Key"/>.</summary>
    [FieldOffset(20)] public uint KeyLanes;

    /// <summary>
    /// Offset of the first byte behind the Ethernet header, its VLAN tags and any MPLS label stack, from <see cref="Data"/>
    /// (OVS <c>l3_ofs</c>); <see cref="NoOffset"/> if the frame is shorter than an Ethernet header.
    /// </summary>
    [FieldOffset(24)] public ushort L3Offset;

    /// <summary>
    /// Offset of the transport header, from <see cref="Data"/>; set for every IPv4/IPv6 packet whose network header is sound, later
    /// fragments included (OVS <c>l4_ofs</c>), else <see cref="NoOffset"/>.
    /// </summary>
    [FieldOffset(26)] public ushort L4Offset;

    /// <summary>Offset of the first MPLS label stack entry, or <see cref="NoOffset"/>.</summary>
    [FieldOffset(28)] public ushort L25Offset;

    /// <summary>Bytes behind the end of the IP datagram.</summary>
    [FieldOffset(30)] public ushort L2PadBytes;

    /// <summary>Times the packet has been recirculated.</summary>
    [FieldOffset(32)] public byte RecircDepth;

    /// <summary>Writable bytes in front of <see cref="Data"/>.</summary>
    [FieldOffset(34)] public ushort HeadroomBytes;

    /// <summary>Bytes to keep on the next output (truncate), 0 = all.</summary>
    [FieldOffset(36)] public int TruncateBytes;

    /// <summary>Payload of each segment if this is a super-frame, which is one packet for all who count; 0 = a frame (<c>virtio_net_hdr.gso_size</c>).</summary>
    [FieldOffset(40)] public ushort GsoSizeBytes;

    /// <summary>Kind of super-frame, see <see cref="Mergeflow.Native.VirtioNetHeader.GsoType"/>.</summary>
    [FieldOffset(42)] public byte GsoType;

    /// <summary>Where the checksum of <see cref="PacketFlags.CsumPartial"/> is stored, from <see cref="CsumStart"/> on.</summary>
    [FieldOffset(43)] public byte CsumOffset;

    /// <summary>Where it begins: the transport header, counted from the start of the slot, so that it stays true when headers are put in front or taken away.</summary>
    [FieldOffset(44)] public ushort CsumStart;

    /// <summary>Ethernet type of a packet that has no Ethernet header, host order: see <see cref="PacketFlags.NoEthernet"/>. Meaningless for others.</summary>
    [FieldOffset(46)] public ushort BareType;

    /// <summary>Index of the event that brought the packet in (replay), for attribution of outputs.</summary>
    [FieldOffset(48)] public long EventIndex;

    /// <summary>
    /// Connection the last <c>ct</c> found, plus one; 0 = none. Only connection tracking reads it; who writes an address or a port clears it
    /// (OVS <c>md.conn</c>, <c>pkt_metadata_init_conn</c>).
    /// </summary>
    [FieldOffset(56)] public int CtConnRef;

    /// <summary>Birth number of that connection: tells a reused slot.</summary>
    [FieldOffset(60)] public ushort CtConnBirth;

    /// <summary>Bit 0: reply direction, bit 1: the packet is an ICMP error about the connection.</summary>
    [FieldOffset(62)] public byte CtConnFlags;

    /// <summary>Parsed headers and metadata.</summary>
    [FieldOffset(64)] public FlowKey Key;
}
