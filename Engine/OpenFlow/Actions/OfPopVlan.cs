namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>pop_vlan</c> / <c>strip_vlan</c>.</summary>
public sealed record OfPopVlan : OfAction;
