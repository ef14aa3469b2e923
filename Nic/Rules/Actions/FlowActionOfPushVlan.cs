namespace Mergeflow.Nic;

/// <summary>Pushes a tag with TCI 0.</summary>
/// <param name="Tpid">0x8100 or 0x88a8.</param>
public sealed record FlowActionOfPushVlan(ushort Tpid) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_push_vlan";
}
