namespace Mergeflow.Engine;

/// <summary><c>group:N</c>.</summary>
public sealed record OfGroup(uint GroupId) : OfAction;
