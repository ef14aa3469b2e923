namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>dec_ttl</c>.</summary>
public sealed record OfDecTtl : OfAction;
