namespace Mergeflow.Engine.OpenFlow;

/// <summary><c>push_vlan:ETHERTYPE</c>.</summary>
public sealed record OfPushVlan(ushort Tpid) : OfAction;
