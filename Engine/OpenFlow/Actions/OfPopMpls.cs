namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>pop_mpls:ETHERTYPE</c>.</summary>
public sealed record OfPopMpls(ushort EthType) : OfAction;
