namespace Mergeflow.Nic;

/// <summary>Writes the TCP or UDP destination port and updates the checksum incrementally.</summary>
/// <param name="Port">Port.</param>
public sealed record FlowActionSetTpDst(Masked<ushort> Port) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_tp_dst";

    /// <inheritdoc/>
    public override bool IsPartial => Port.Mask != ushort.MaxValue;
}
