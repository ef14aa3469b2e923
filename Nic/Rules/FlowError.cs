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
