namespace Mergeflow.Nic;


/// <summary>Names a rule (DPDK <c>struct rte_flow *</c>). Never reused; 0 is no rule.</summary>
public readonly record struct NicHandle(ulong Value)
{
    /// <summary>No rule.</summary>
    public static NicHandle None => default;
}
