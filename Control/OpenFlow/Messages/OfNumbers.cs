namespace Mergeflow.Control.OpenFlow;

/// <summary>A message that is one number of 32 bits.</summary>
public sealed record OfNumber : OfMessage
{
    /// <summary>The number.</summary>
    public uint Value;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire) => wire.U32(ref Value);
}

/// <summary>A message that is one number of 16 bits behind six zeros: a controller id, or a zone.</summary>
public sealed record OfNumber16 : OfMessage
{
    /// <summary>The number.</summary>
    public ushort Value;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (wire.IsReading) wire.Reader.Zeros(6, "NXBRC_MUST_BE_ZERO");
        else wire.Pad(6);
        wire.U16(ref Value);
    }
}

/// <summary><c>NXT_FLOW_MOD_TABLE_ID</c>: the upper byte of a command is a table from now on, or not.</summary>
public sealed record OfFlowModTableId : OfMessage
{
    /// <summary>0 or 1.</summary>
    public byte IsSet;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U8(ref IsSet);
        if (IsSet > 1) throw new OfRefusal("OFPBRC_EPERM", "0 or 1");
        wire.Pad(7);
    }
}

/// <summary>A multipart request about one group or meter.</summary>
public sealed record OfIdRequest : OfMessage
{
    /// <summary>Which; all ones, or <c>OFPG_ALL</c>, = all.</summary>
    public uint Id;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U32(ref Id);
        wire.Pad(4);
    }
}
