using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>A provider's answer.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="RuleId"><see cref="MergedFlow.Id"/>.</param>
/// <param name="Reason">For failures.</param>
/// <param name="Detail">One line for people.</param>
/// <param name="Counters">For Destroyed and Lost.</param>
public readonly record struct OffloadCompletion(OffloadCompletionKind Kind, long RuleId, OffloadReason Reason, string? Detail, OffloadCounters Counters);
