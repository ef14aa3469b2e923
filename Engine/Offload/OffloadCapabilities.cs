namespace Mergeflow.Engine.Offload;

/// <summary>What the code above the seam may know about a provider.</summary>
/// <param name="Capacity">Most rules; an estimate, the provider has the last word.</param>
/// <param name="KeepsConnections">Each hit goes through the connection (sequence check, expiry), so only what differs from one visit at the received length is credited.</param>
/// <param name="RevokesAtOnce">After <see cref="IOffloadProvider.Destroy"/> returns, no further packet uses the rule.</param>
/// <param name="CounterLagMs">A query may be so far behind; a counter is complete when asked that much after the last hit.</param>
public sealed record OffloadCapabilities(int Capacity, bool KeepsConnections, bool RevokesAtOnce, int CounterLagMs = 0);
