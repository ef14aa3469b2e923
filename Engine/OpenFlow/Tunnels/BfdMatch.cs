using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Which packets of a port are BFD messages for the switch itself (OVS <c>bfd_should_process_flow</c>): IPv4, UDP to port 3784, and what is here.</summary>
/// <param name="Destination">Ethernet destination; all zero = any.</param>
/// <param name="Address">IPv4 destination, host order; 0 = any.</param>
/// <param name="IsKeyZero">In tunnels: only those with the key 0.</param>
public sealed record BfdMatch(EthAddress Destination, uint Address, bool IsKeyZero);
