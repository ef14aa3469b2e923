using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Actions;

/// <summary>
/// One datapath action: a fixed record of 128 bytes in unmanaged memory, so that a program is an array that can be compared
/// with memcmp, copied, and executed without a managed object. Nested programs follow their parent record in the same array.
/// Unused bytes are zero.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public unsafe partial struct DpAction
{
    /// <summary>Size of a record in bytes.</summary>
    public const int SizeBytes = 128;

    [FieldOffset(0)] public DpOp Op;

    /// <summary>Number of records behind this one that belong to it (Clone, Sample, CheckPktLen).</summary>
    [FieldOffset(4)] public int NestedCount;

    /// <summary>CheckPktLen: number of records of the "not larger" branch, behind the nested ones.</summary>
    [FieldOffset(120)] public int ElseCount;

    [FieldOffset(8)] public uint Port;
    [FieldOffset(8)] public uint RecircId;
    [FieldOffset(8)] public uint LengthBytes;
    [FieldOffset(8)] public uint MeterId;

    /// <summary>Sample: chance out of 2^32.</summary>
    [FieldOffset(8)] public uint Probability;

    /// <summary>PushVlan: TPID; PushMpls/AddMpls/PopMpls: ethertype. Host order.</summary>
    [FieldOffset(8)] public ushort EthType;

    /// <summary>PushVlan: TCI to push, host order, with 0x1000 set.</summary>
    [FieldOffset(10)] public ushort VlanTci;

    /// <summary>PushMpls, AddMpls: label stack entry to push, host order.</summary>
    [FieldOffset(12)] public uint MplsLse;

    [FieldOffset(8)] public DpSetEth Eth;
    [FieldOffset(8)] public DpSetVlan Vlan;
    [FieldOffset(8)] public DpSetIpv4 Ipv4;
    [FieldOffset(8)] public DpSetIpv6Addr Ipv6;
    [FieldOffset(8)] public DpSetIpv6Misc Ipv6Misc;
    [FieldOffset(8)] public DpSetL4 L4;
    [FieldOffset(8)] public DpSetArp Arp;
    [FieldOffset(8)] public DpSetNd Nd;
    [FieldOffset(8)] public DpSetMpls Mpls;
    [FieldOffset(8)] public DpSetPktMark PktMark;
    [FieldOffset(8)] public DpCt Ct;
    [FieldOffset(8)] public DpHash Hash;
    [FieldOffset(8)] public DpSetTunnel Tunnel;
    [FieldOffset(8)] public DpUserspace Userspace;

    /// <summary>TnlPush: what is put in front of the packet.</summary>
    [FieldOffset(8)] public TunnelHeader Push;

    /// <summary>TnlPush: OpenFlow port that counts the packet.</summary>
    [FieldOffset(112)] public uint CountedPort;

    /// <summary>TnlPush: the port that it is sent from, for who reads it; 0 = that is not in the datapath.</summary>
    [FieldOffset(116)] public uint OutPort;

    /// <summary>TnlPop: what is taken off.</summary>
    [FieldOffset(12)] public TunnelKind TunnelKind;

    /// <summary>TnlPop: the option that is read from a Geneve header, if it is there.</summary>
    [FieldOffset(16)] public GeneveOption Option;
}
