namespace Mergeflow.Engine;

/// <summary><c>set_mpls_ttl:N</c>.</summary>
public sealed record OfSetMplsTtl(byte Ttl) : OfAction;
