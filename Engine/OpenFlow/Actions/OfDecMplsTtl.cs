namespace Mergeflow.Engine;

/// <summary><c>dec_mpls_ttl</c>.</summary>
public sealed record OfDecMplsTtl : OfAction;
