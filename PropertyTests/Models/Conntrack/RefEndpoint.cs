namespace Mergeflow.PropertyTests;

/// <summary>One side of a connection: address and port, or for ICMP the id and the message type.</summary>
internal readonly record struct RefEndpoint(UInt128 Address, ushort Port, byte IcmpType);
