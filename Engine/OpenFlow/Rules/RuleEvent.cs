namespace Mergeflow.Engine.OpenFlow;

/// <summary>A rule has come, gone or changed.</summary>
/// <param name="Old">Before; null = it is new.</param>
/// <param name="New">After; null = it is gone.</param>
/// <param name="End">Why it is gone.</param>
/// <param name="IsAdded">An order has added it; in the place of <paramref name="Old"/>, if that is there.</param>
public readonly record struct RuleEvent(OfRule? Old, OfRule? New, RuleEnd End, bool IsAdded = false);

/// <summary>Why a rule is gone (OpenFlow <c>OFPRR_*</c>).</summary>
public enum RuleEnd : byte
{
    IdleTimeout,
    HardTimeout,
    Deleted,
    GroupDeleted,
    MeterDeleted,
    Eviction,
}
