namespace Mergeflow.Nic;


/// <summary>Things a device says unasked (DPDK <c>enum rte_eth_event_type</c>).</summary>
public enum NicEventKind : byte
{
    /// <summary>All rules are gone (<c>RTE_ETH_EVENT_INTR_RESET</c>).</summary>
    Reset,
}
