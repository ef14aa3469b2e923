using System.Net;

namespace Mergeflow.Native;

/// <summary>A neighbour, from ARP or neighbour discovery (RTM_NEWNEIGH).</summary>
/// <param name="Interface">Index of the interface.</param>
/// <param name="Address">IP address.</param>
/// <param name="Mac">Ethernet address as a number of 48 bits; null while nobody has answered.</param>
/// <param name="State">NUD_* bits.</param>
/// <param name="IsRouter">NTF_ROUTER.</param>
public sealed record RtNeighbor(int Interface, IPAddress Address, ulong? Mac, RtNeighborState State, bool IsRouter)
{
    /// <summary>Whether <see cref="Mac"/> may be used (<c>NUD_VALID</c>).</summary>
    public bool IsValid => Mac is not null && (State & (RtNeighborState.Reachable | RtNeighborState.Stale | RtNeighborState.Delay | RtNeighborState.Probe | RtNeighborState.NoArp | RtNeighborState.Permanent)) != 0;
}

/// <summary>An address of an interface (RTM_NEWADDR).</summary>
/// <param name="Interface">Index of the interface.</param>
/// <param name="Address">IP address.</param>
/// <param name="PrefixLength">Bits of the network.</param>
public sealed record RtAddress(int Interface, IPAddress Address, int PrefixLength);

/// <summary>State of a neighbour (<c>NUD_*</c>).</summary>
[Flags]
public enum RtNeighborState : ushort
{
    /// <summary>Nothing is known.</summary>
    None = 0,

    /// <summary>Being asked for.</summary>
    Incomplete = 1,

    /// <summary>Has answered a short time ago.</summary>
    Reachable = 2,

    /// <summary>Has answered once.</summary>
    Stale = 4,

    /// <summary>In use; asked soon.</summary>
    Delay = 8,

    /// <summary>In use; being asked.</summary>
    Probe = 16,

    /// <summary>Does not answer.</summary>
    Failed = 32,

    /// <summary>Needs no question (multicast, point to point).</summary>
    NoArp = 64,

    /// <summary>Set by hand.</summary>
    Permanent = 128,
}
