namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// What has gone through a port that is none of the datapath: a patch port, or a tunnel that shares its port with others (OVS <c>netdev_vport_inc_rx</c>, <c>netdev_vport_inc_tx</c>). Megaflows report it as they
/// report to rules.
/// </summary>
/// <param name="isShared">Several threads count at the same time.</param>
public sealed class VportCounters(bool isShared)
{
    /// <summary>What has come by it.</summary>
    public OfRuleStats Rx { get; } = new(isShared: isShared);

    /// <summary>What was sent to it.</summary>
    public OfRuleStats Tx { get; } = new(isShared: isShared);
}
