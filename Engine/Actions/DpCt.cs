using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Actions;

/// <summary>Options of the <c>ct</c> action.</summary>
[Flags]
public enum DpCtFlags : ushort
{
    None = 0,
    Commit = 1,
    Force = 2,

    /// <summary>A <c>nat</c> clause is present (with or without a range).</summary>
    Nat = 4,
    NatIpv6 = 8,
    NatHash = 16,
    NatRandom = 32,
    NatPersistent = 64,
    AlgFtp = 128,
    AlgTftp = 256,
}

/// <summary>Which side a <c>nat</c> clause translates; None follows the existing connection only.</summary>
public enum NatKind : byte
{
    None,
    Src,
    Dst,
}

/// <summary>Arguments of the <c>ct</c> datapath action (OVS <c>OVS_CT_ATTR_*</c>), 104 bytes at most.</summary>
public struct DpCt
{
    public DpCtFlags Flags;
    public NatKind Nat;

    /// <summary>NAT ports, host order; max 0 = none given.</summary>
    public ushort NatPortMin;
    public ushort NatPortMax;
    public ushort Zone;

    /// <summary>Host order; bits of <see cref="MarkMask"/> are written on commit.</summary>
    public uint Mark;
    public uint MarkMask;
    public Ipv6Address Label;
    public Ipv6Address LabelMask;

    /// <summary>NAT range; IPv4 addresses in the first four bytes of the wire order value.</summary>
    public Ipv6Address NatAddrMin;
    public Ipv6Address NatAddrMax;

    /// <summary>Timeout policy id, 0 = default.</summary>
    public uint TimeoutPolicy;
}
