namespace Mergeflow.Nic;


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
}
