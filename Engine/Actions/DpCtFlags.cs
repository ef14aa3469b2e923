namespace Mergeflow.Engine.Actions;

/// <summary>Options of the <c>ct</c> action.</summary>
[Flags]
public enum DpCtFlags : ushort
{
    None = 0,
    Commit = 1,
    Force = 2,

    /// <summary>A <c>nat</c> clause is present (with or without a range).</summary>
    Nat = 4,
    NatIpv6 = 8,
    NatHash = 16,
    NatRandom = 32,
    NatPersistent = 64,
    AlgFtp = 128,
    AlgTftp = 256,
}
