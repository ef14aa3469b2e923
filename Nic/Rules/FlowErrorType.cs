namespace Mergeflow.Nic;


/// <summary>Where in the request an error lies (DPDK <c>enum rte_flow_error_type</c>).</summary>
public enum FlowErrorType : byte
{
    None,
    Unspecified,
    Handle,
    AttrGroup,
    AttrIngress,
    ItemNum,
    ItemSpec,
    ItemMask,
    Item,
    ActionNum,
    ActionConf,
    Action,
}
