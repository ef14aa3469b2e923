namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>ct_clear</c>.</summary>
public sealed record OfCtClear : OfAction;
