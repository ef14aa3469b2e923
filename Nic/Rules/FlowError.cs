namespace Mergeflow.Nic;

/// <summary>Why a request failed (DPDK <c>struct rte_flow_error</c>).</summary>
/// <param name="Errno">What went wrong.</param>
/// <param name="Type">Which part of the request.</param>
/// <param name="Message">One line for people; names the item, field or action.</param>
public sealed record FlowError(FlowErrno Errno, FlowErrorType Type, string Message)
{
    /// <summary>Item, field or action the error is about, as profiles spell it; null if none.</summary>
    public string? Subject { get; init; }
}

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

/// <summary>What went wrong (the <c>rte_errno</c> that goes with a <c>struct rte_flow_error</c>).</summary>
public enum FlowErrno : byte
{
    None,

    /// <summary>EINVAL: contradictory or malformed rule.</summary>
    Invalid,

    /// <summary>ENOTSUP: the profile lacks the item, field, mask or action.</summary>
    NotSupported,

    /// <summary>ENOSPC: the table is full.</summary>
    NoSpace,

    /// <summary>ENOSPC: no template mask is left for the exact-match table.</summary>
    NoTemplate,

    /// <summary>EEXIST: a rule with the same mask and value is there.</summary>
    Exists,

    /// <summary>ENOENT: no such rule.</summary>
    NoEntry,

    /// <summary>EIO: the device refused.</summary>
    Io,

    /// <summary>ENODEV: the device was reset while the request was under way.</summary>
    Reset,

    /// <summary>EAGAIN: the request queue is full.</summary>
    Again,
}

/// <summary>Ends the compilation of a rule; never leaves the assembly.</summary>
internal sealed class FlowRejectedException(FlowError error) : Exception(error.Message)
{
    /// <summary>What the caller is told.</summary>
    public FlowError Error { get; } = error;
}
