namespace Mergeflow.Nic;


/// <summary>One header of a pattern (DPDK <c>struct rte_flow_item</c>).</summary>
public abstract record FlowItem
{
    /// <summary>The name in testpmd and in profiles, e.g. <c>ipv4</c>.</summary>
    public abstract string Name { get; }
}
