namespace Mergeflow.Nic;


/// <summary>Ends the compilation of a rule; never leaves the assembly.</summary>
internal sealed class FlowRejectedException(FlowError error) : Exception(error.Message)
{
    /// <summary>What the caller is told.</summary>
    public FlowError Error { get; } = error;
}
