namespace Mergeflow.Control.OpenFlow;

/// <summary><c>NXT_TLV_TABLE_MOD</c>: which Geneve option is behind which field <c>tun_metadataN</c>.</summary>
public sealed record OfTlvTableMod : OfMessage
{
    /// <summary>0 = add, 1 = delete, 2 = clear (<c>NXTTMC_*</c>).</summary>
    public ushort Command;
    public EquatableList<OfTlvMap> Maps = EquatableList<OfTlvMap>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U16(ref Command);
        if (Command > 2) throw new OfRefusal("NXTTMFC_BAD_COMMAND", $"command {Command}");
        wire.Pad(6);
        OfTlvMap.Exchange(ref wire, ref Maps);
    }
}

/// <summary><c>NXT_TLV_TABLE_REPLY</c>.</summary>
public sealed record OfTlvTableReply : OfMessage
{
    /// <summary>Bytes.</summary>
    public uint MaxOptionSpace;
    public ushort MaxFields;
    public EquatableList<OfTlvMap> Maps = EquatableList<OfTlvMap>.Empty;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.U32(ref MaxOptionSpace);
        wire.U16(ref MaxFields);
        wire.Pad(10);
        OfTlvMap.Exchange(ref wire, ref Maps);
    }
}

/// <summary>One option.</summary>
public sealed record OfTlvMap
{
    public ushort Class;
    public byte Type;

    /// <summary>Bytes, a multiple of 4.</summary>
    public byte LengthBytes;

    /// <summary>N of <c>tun_metadataN</c>.</summary>
    public ushort Index;

    /// <summary>A list up to the end.</summary>
    internal static void Exchange(ref OfWire wire, ref EquatableList<OfTlvMap> maps)
        => OfList.Exchange(ref wire, ref maps, static () => new OfTlvMap(), static (OfTlvMap m, ref OfWire w) =>
        {
            w.U16(ref m.Class);
            w.U8(ref m.Type);
            w.U8(ref m.LengthBytes);
            w.U16(ref m.Index);
            w.Pad(2);
        });
}
