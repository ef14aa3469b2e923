namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>set_mpls_ttl:N</c>.</summary>
public sealed record OfSetMplsTtl(byte Ttl) : OfAction;
