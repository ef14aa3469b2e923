namespace Mergeflow.Nic;


/// <summary>One action of a rule (DPDK <c>struct rte_flow_action</c>).</summary>
public abstract record FlowAction
{
    /// <summary>The name in testpmd and in profiles, e.g. <c>set_ipv4_src</c>.</summary>
    public abstract string Name { get; }

    /// <summary>True if it writes only some bits of its field.</summary>
    public virtual bool IsPartial => false;
}
