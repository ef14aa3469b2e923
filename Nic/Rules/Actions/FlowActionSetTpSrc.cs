namespace Mergeflow.Nic;

/// <summary>Writes the TCP or UDP source port and updates the checksum incrementally.</summary>
/// <param name="Port">Port.</param>
public sealed record FlowActionSetTpSrc(Masked<ushort> Port) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "set_tp_src";

    /// <inheritdoc/>
    public override bool IsPartial => Port.Mask != ushort.MaxValue;
}
