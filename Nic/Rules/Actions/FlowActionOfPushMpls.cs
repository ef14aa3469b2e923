namespace Mergeflow.Nic;

/// <summary>Pushes a label stack entry in front of the network header or the labels.</summary>
/// <param name="EthType">0x8847 or 0x8848.</param>
/// <param name="Lse">The entry.</param>
public sealed record FlowActionOfPushMpls(ushort EthType, uint Lse) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_push_mpls";
}
