namespace Mergeflow.Engine.Actions;

/// <summary>Why a <see cref="DpOp.Userspace"/> action exists.</summary>
public enum UserspaceReason : byte
{
    Controller,

    /// <summary>A sample for a collector (OVS <c>USER_ACTION_COOKIE_FLOW_SAMPLE</c>).</summary>
    Sample,

    /// <summary>A BFD message for the switch itself (OVS <c>SLOW_BFD</c>); <see cref="DpUserspace.OutputPort"/> is the port that has got it.</summary>
    Bfd,

    /// <summary>An LACP message for the switch itself (OVS <c>SLOW_LACP</c>); <see cref="DpUserspace.OutputPort"/> is the port that has got it.</summary>
    Lacp,

    /// <summary>A message about multicast groups, for the switch too (OVS <c>SLOW_ACTION</c> of <c>xlate_normal</c>); <see cref="DpUserspace.OutputPort"/> is the port that has got it.</summary>
    Multicast,
}

/// <summary>Why a packet leaves the fast path, and for whom (OVS <c>struct user_action_cookie</c>).</summary>
public struct DpUserspace
{
    public UserspaceReason Reason;

    /// <summary>Controller: why it is told.</summary>
    public PacketInReason PacketInReason;

    /// <summary>Controller: the packet stops here and goes on when a controller says so.</summary>
    public bool Continues;

    /// <summary>Controller: in an explanation, so nobody is told.</summary>
    public bool IsSilent;

    /// <summary>Controller: which ones are told.</summary>
    public ushort ControllerId;

    /// <summary>Controller: bytes of the packet that are sent; 65535 = all.</summary>
    public ushort MaxLengthBytes;

    /// <summary>Controller: the frozen state that has metadata, user data and, if the packet stops, the rest of its way.</summary>
    public uint RecircId;

    /// <summary>BFD, LACP, sample: number of the bridge in its datapath.</summary>
    public ushort Bridge;

    /// <summary>Controller: cookie of the rule.</summary>
    public ulong Cookie;

    /// <summary>Sample: 65,535 = every packet.</summary>
    public ushort Probability;

    /// <summary>Sample: direction (OVS <c>enum nx_action_sample_direction</c>).</summary>
    public byte Direction;

    /// <summary>Sample: set of collectors.</summary>
    public uint CollectorSetId;

    /// <summary>Sample: observation domain.</summary>
    public uint ObservationDomainId;

    /// <summary>Sample: observation point.</summary>
    public uint ObservationPointId;

    /// <summary>Sample: where the packet leaves; 0xffffffff = not told.</summary>
    public uint OutputPort;

    /// <summary>Multicast: VLAN that the packet belongs to.</summary>
    public ushort Vid;
}
