using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mergeflow.Nic;

/// <summary>A rule as the tables and the executor want it.</summary>
internal sealed class CompiledRule
{
    public NicKey Value;
    public NicKey Mask;

    /// <summary>Actions in order; a sample is followed by its own.</summary>
    public required NicOp[] Ops;

    /// <summary>A frame needs a TTL above this, or it goes to software.</summary>
    public byte MinTtl;

    /// <summary>Whether frames are counted.</summary>
    public bool Counts;

    public FlowTable Table;

    /// <summary>It is for frames without a tag only.</summary>
    public bool IsUntagged
    {
        get
        {
            const int headers = 14;
            int vlan = (int)NicHeaders.Vlan;
            return (BinaryPrimitives.ReadUInt16BigEndian(Mask.Bytes[headers..]) & vlan) != 0 && (BinaryPrimitives.ReadUInt16BigEndian(Value.Bytes[headers..]) & vlan) == 0;
        }
    }

    /// <summary>It is for what was inside a tunnel.</summary>
    public bool IsInside => Requires(NicHeaders.Tunnel);

    /// <summary>It is for UDP over IPv4 only.</summary>
    public bool IsUdpOverIpv4 => Requires(NicHeaders.Udp | NicHeaders.Ipv4);

    /// <summary>It is for GRE over IPv4 only.</summary>
    public bool IsGreOverIpv4
    {
        get
        {
            const int gre = 47;
            int at = NicFields.Get(NicField.IpProto).Offset;
            return Requires(NicHeaders.Ipv4) && Mask.Bytes[at] == 0xff && Value.Bytes[at] == gre;
        }
    }

    /// <summary>It is for IPv6 only.</summary>
    public bool IsOverIpv6 => Requires(NicHeaders.Ipv6);

    /// <summary>What <see cref="NicOpCode.TunnelDecap"/> takes off; null = nothing.</summary>
    public FlowActionTunnelDecap? Decap;

    /// <summary>What <see cref="NicOpCode.TunnelEncap"/> puts on, by its argument.</summary>
    public IReadOnlyList<FlowActionTunnelEncap> Encaps = [];

    private bool Requires(NicHeaders headers)
    {
        const int at = 14;
        return (BinaryPrimitives.ReadUInt16BigEndian(Value.Bytes[at..]) & (int)headers) == (int)headers;
    }
}

/// <summary>One compiled action: 40 bytes in unmanaged memory, behind its rule. Value and mask are in network byte order.</summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
internal struct NicOp
{
    public const int SizeBytes = 40;

    [FieldOffset(0)] public NicOpCode Code;

    /// <summary>Port, offset or ethertype.</summary>
    [FieldOffset(4)] public uint Argument;

    /// <summary>Sample: records behind this one that belong to it.</summary>
    [FieldOffset(4)] public int NestedCount;

    [FieldOffset(8)] private Bytes16 _value;
    [FieldOffset(24)] private Bytes16 _mask;

    /// <summary>New bits.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public Span<byte> Value => _value;

    /// <summary>1 = the bit is written.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public Span<byte> Mask => _mask;

    [InlineArray(16)]
    private struct Bytes16
    {
        private byte _first;
    }
}

/// <summary>What a <see cref="NicOp"/> does.</summary>
internal enum NicOpCode : byte
{
    /// <summary>Ethernet addresses: value and mask are dst, src.</summary>
    SetEth,

    /// <summary>Value and mask are 4 bytes; the argument is the offset in the IPv4 header.</summary>
    SetIpv4,

    /// <summary>Value and mask are 16 bytes; the argument is the offset in the IPv6 header.</summary>
    SetIpv6,

    /// <summary>Value and mask are 2 bytes; the argument is the offset in the TCP or UDP header.</summary>
    SetPort,
    SetTtl,
    DecTtl,
    SetTos,

    /// <summary>The argument is the TPID.</summary>
    PushVlan,
    PopVlan,
    SetVlanTci,

    /// <summary>The argument is the ethertype; the value is the entry.</summary>
    PushMpls,

    /// <summary>The argument is the ethertype.</summary>
    PopMpls,
    SetMpls,

    /// <summary>The argument is the port.</summary>
    Output,

    /// <summary>The next <see cref="NicOp.NestedCount"/> records work on a copy.</summary>
    Sample,

    /// <summary>What is to be taken off is <see cref="CompiledRule.Decap"/>.</summary>
    TunnelDecap,

    /// <summary>The argument is the number of one of <see cref="CompiledRule.Encaps"/>.</summary>
    TunnelEncap,
}
