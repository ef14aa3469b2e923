namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>group:N</c>.</summary>
public sealed record OfGroup(uint GroupId) : OfAction;
