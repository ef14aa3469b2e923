using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// <c>ct(commit,force,table=T,zone=Z,nat(..),exec(..),alg=..)</c>. The zone is a constant or a 16-bit subfield.
/// <paramref name="Nat"/> is null when there is no <c>nat</c>. <paramref name="Exec"/> may write ct_mark and ct_label only.
/// </summary>
public sealed record OfCt(
    bool Commit,
    bool Force,
    byte? Table,
    ushort Zone,
    Subfield? ZoneSource,
    OfNat? Nat,
    EquatableList<OfAction> Exec,
    string? Alg) : OfAction
{
    /// <summary><paramref name="Nat"/> was written behind <paramref name="Exec"/>; the meaning is the same.</summary>
    public bool IsNatLast { get; init; }
}

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

/// <summary><c>ct_clear</c>.</summary>
public sealed record OfCtClear : OfAction;
