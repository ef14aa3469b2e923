namespace Mergeflow.Cli;

/// <summary>Addresses and ports of a TCP or UDP packet; an IPv4 address stands in the lower 32 bits.</summary>
internal readonly record struct FlowTuple(bool IsIpv6, byte Protocol, UInt128 Source, UInt128 Destination, ushort SourcePort, ushort DestinationPort)
{
    /// <summary>Of what comes back.</summary>
    public FlowTuple Reversed => new(IsIpv6, Protocol, Destination, Source, DestinationPort, SourcePort);

    /// <summary>Length of an address.</summary>
    public int AddressBytes => IsIpv6 ? 16 : 4;
}
