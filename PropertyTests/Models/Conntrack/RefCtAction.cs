namespace Mergeflow.PropertyTests;

/// <summary>A <c>ct</c> action with its zone, mark and label worked out; masks of 0 write nothing.</summary>
internal sealed record RefCtAction(
    bool Commit,
    bool Force,
    int Zone,
    uint Mark,
    uint MarkMask,
    UInt128 Label,
    UInt128 LabelMask,
    RefNat? Nat);
