namespace Mergeflow.Nic;

/// <summary>Removes the outer label stack entry.</summary>
/// <param name="EthType">Type of what is behind it.</param>
public sealed record FlowActionOfPopMpls(ushort EthType) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_pop_mpls";
}
