namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>clear_actions</c>.</summary>
public sealed record OfClearActions : OfAction;
