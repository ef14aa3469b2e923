namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>set_tunnel:ID</c> / <c>set_tunnel64:ID</c>.</summary>
public sealed record OfSetTunnel(ulong TunnelId, bool Wide) : OfAction;
