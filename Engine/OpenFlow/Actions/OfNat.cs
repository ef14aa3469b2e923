using Mergeflow.Engine.Actions;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// <c>nat</c>, <c>nat(src=A1-A2:P1-P2,..)</c> or <c>nat(dst=..)</c> (OVS <c>struct ofpact_nat</c>).
/// Addresses are numbers of 32 bits (IPv4) or 128 bits (IPv6); a single one has min == max; no range at all is <see cref="NatKind.None"/>.
/// </summary>
public sealed record OfNat(
    NatKind Kind,
    bool Ipv6,
    UInt128 AddrMin,
    UInt128 AddrMax,
    ushort PortMin,
    ushort PortMax,
    bool Persistent = false,
    bool HashMode = false,
    bool RandomMode = false);
