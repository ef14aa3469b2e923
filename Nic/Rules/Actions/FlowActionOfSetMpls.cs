namespace Mergeflow.Nic;

/// <summary>Writes the outer label stack entry.</summary>
/// <param name="Lse">The entry.</param>
public sealed record FlowActionOfSetMpls(Masked<uint> Lse) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_set_mpls";

    /// <inheritdoc/>
    public override bool IsPartial => Lse.Mask != uint.MaxValue;
}
