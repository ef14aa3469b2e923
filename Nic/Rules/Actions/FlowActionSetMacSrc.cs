namespace Mergeflow.Nic;

/// <summary>Writes the Ethernet source.</summary>
/// <param name="Mac">48 bits.</param>
public sealed record FlowActionSetMacSrc(Masked<ulong> Mac) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_mac_src";

    /// <inheritdoc/>
    public override bool IsPartial => (Mac.Mask & 0xffff_ffff_ffff) != 0xffff_ffff_ffff;
}
