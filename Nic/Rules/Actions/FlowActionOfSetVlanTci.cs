namespace Mergeflow.Nic;

/// <summary>Writes the outer TCI (<c>OF_SET_VLAN_VID</c> with mask 0x0fff, <c>OF_SET_VLAN_PCP</c> with mask 0xe000).</summary>
/// <param name="Tci">TCI as on the wire.</param>
public sealed record FlowActionOfSetVlanTci(Masked<ushort> Tci) : FlowAction
{
    /// <inheritdoc/>
    public override string Name => "of_set_vlan_tci";

    /// <inheritdoc/>
    public override bool IsPartial => (Tci.Mask | 0x1000) is not (0xffff or 0x1fff or 0xf000);
}
