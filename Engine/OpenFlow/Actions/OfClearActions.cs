namespace Mergeflow.Engine;

/// <summary><c>clear_actions</c>.</summary>
public sealed record OfClearActions : OfAction;
