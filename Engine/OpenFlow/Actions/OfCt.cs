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
    string? Alg) : OfAction;
