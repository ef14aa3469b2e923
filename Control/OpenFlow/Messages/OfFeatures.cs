namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_FEATURES_REPLY</c>.</summary>
public sealed record OfFeatures : OfMessage
{
    public ulong DatapathId;
    public uint BufferCount;
    public byte TableCount;
    public byte AuxiliaryId;
    public uint Capabilities;

    /// <summary>OpenFlow 1.0: bit n = action n is there.</summary>
    public uint Actions;

    /// <summary>Before OpenFlow 1.3.</summary>
    public EquatableList<OfPort> Ports = EquatableList<OfPort>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U64(ref DatapathId);
        wire.U32(ref BufferCount);
        wire.U8(ref TableCount);
        wire.U8(ref AuxiliaryId);
        wire.Pad(2);
        wire.U32(ref Capabilities);
        wire.U32(ref Actions);
        if (wire.Version < OfVersion.V13) OfPort.Exchange(ref wire, ref Ports);
    }
}
