using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>What stands in front of a frame on a packet socket or TAP that carries super-frames and unfinished checksums (<c>struct virtio_net_hdr</c>, little-endian).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 2, Size = SizeBytes)]
public struct VirtioNetHeader
{
    /// <summary>Its length.</summary>
    public const int SizeBytes = 10;

    /// <summary>The checksum at <see cref="CsumOffsetBytes"/> covers only the pseudo-header so far (<c>VIRTIO_NET_HDR_F_NEEDS_CSUM</c>).</summary>
    public const byte NeedsChecksum = 1;

    /// <summary>The receiver has found the checksum good (<c>VIRTIO_NET_HDR_F_DATA_VALID</c>).</summary>
    public const byte DataValid = 2;

    /// <summary><c>VIRTIO_NET_HDR_GSO_NONE</c>.</summary>
    public const byte GsoNone = 0;

    /// <summary><c>VIRTIO_NET_HDR_GSO_TCPV4</c>.</summary>
    public const byte GsoTcp4 = 1;

    /// <summary><c>VIRTIO_NET_HDR_GSO_TCPV6</c>.</summary>
    public const byte GsoTcp6 = 4;

    /// <summary>UDP datagrams of <see cref="GsoSizeBytes"/> each (<c>VIRTIO_NET_HDR_GSO_UDP_L4</c>, Linux 6.2).</summary>
    public const byte GsoUdp = 5;

    /// <summary>Added to a TCP type: the first segment has CWR (<c>VIRTIO_NET_HDR_GSO_ECN</c>).</summary>
    public const byte GsoEcn = 0x80;

    /// <summary>Flags.</summary>
    public byte Flags;

    /// <summary>Kind of super-frame.</summary>
    public byte GsoType;

    /// <summary>Bytes of headers; a hint.</summary>
    public ushort HeaderBytes;

    /// <summary>Payload of each segment.</summary>
    public ushort GsoSizeBytes;

    /// <summary>Where the checksum begins, from the Ethernet header on.</summary>
    public ushort CsumStartBytes;

    /// <summary>Where it is stored, from there on.</summary>
    public ushort CsumOffsetBytes;
}
