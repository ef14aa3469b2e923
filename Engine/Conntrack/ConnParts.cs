namespace Mergeflow.Engine.Conntrack;

/// <summary>What the threads of one tracker have in common.</summary>
internal readonly record struct ConnParts(ConnTable Table, ZoneLimits Zones, TimeoutPolicies Timeouts, Expectations Expectations, ConnExpiry Expiry);
