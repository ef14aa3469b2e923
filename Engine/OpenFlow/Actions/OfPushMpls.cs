namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>push_mpls:ETHERTYPE</c>.</summary>
public sealed record OfPushMpls(ushort EthType) : OfAction;
