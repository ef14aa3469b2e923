namespace Mergeflow.Nic;


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
