namespace Mergeflow.Engine;

/// <summary><c>pop_mpls:ETHERTYPE</c>.</summary>
public sealed record OfPopMpls(ushort EthType) : OfAction;
