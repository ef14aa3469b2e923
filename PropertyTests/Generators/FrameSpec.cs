namespace Mergeflow.PropertyTests;

/// <summary>What a frame is to contain; <see cref="FrameWriter"/> makes bytes of it, with right checksums.</summary>
internal sealed record FrameSpec
{
    public ulong EthSrc { get; init; } = Domain.Macs[0];

    public ulong EthDst { get; init; } = Domain.Macs[1];

    /// <summary>Tags, the outermost first: TPID and TCI.</summary>
    public IReadOnlyList<(ushort Tpid, ushort Tci)> Tags { get; init; } = [];

    public bool IsIpv6 { get; init; }

    public UInt128 Src { get; init; }

    public UInt128 Dst { get; init; }

    public byte Tos { get; init; }

    public byte Ttl { get; init; } = 64;

    public byte Proto { get; init; } = 17;

    /// <summary>IPv4 flags and offset, or with IPv6 the word of a fragment header.</summary>
    public ushort Fragment { get; init; }

    public ushort SrcPort { get; init; }

    public ushort DstPort { get; init; }

    public uint Seq { get; init; }

    public uint Ack { get; init; }

    public int TcpFlags { get; init; }

    public ushort Window { get; init; } = 0xffff;

    /// <summary>Window scale option of a SYN; null = no options.</summary>
    public int? Scale { get; init; }

    public byte IcmpType { get; init; }

    public byte IcmpCode { get; init; }

    public ushort IcmpId { get; init; }

    public byte[] Payload { get; init; } = [];

    /// <summary>UDP without a checksum.</summary>
    public bool NoChecksum { get; init; }

    /// <summary>Added to the transport checksum.</summary>
    public ushort ChecksumError { get; init; }

    /// <summary>Added to the IPv4 header checksum.</summary>
    public ushort IpChecksumError { get; init; }

    /// <summary>Bytes of padding behind the packet.</summary>
    public int PaddingBytes { get; init; }
}
