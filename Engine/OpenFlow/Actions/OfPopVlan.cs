namespace Mergeflow.Engine;

/// <summary><c>pop_vlan</c> / <c>strip_vlan</c>.</summary>
public sealed record OfPopVlan : OfAction;
