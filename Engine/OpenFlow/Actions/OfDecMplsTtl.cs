namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>dec_mpls_ttl</c>.</summary>
public sealed record OfDecMplsTtl : OfAction;
