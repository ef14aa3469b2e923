namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_SET_CONFIG</c> and <c>OFPT_GET_CONFIG_REPLY</c>.</summary>
public sealed record OfSwitchConfig : OfMessage
{
    /// <summary>What becomes of fragments (<c>OFPC_FRAG_*</c>).</summary>
    public ushort Flags;

    /// <summary>Bytes of a packet that misses which controllers get.</summary>
    public ushort MissSendLength;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U16(ref Flags);
        wire.U16(ref MissSendLength);
    }
}
