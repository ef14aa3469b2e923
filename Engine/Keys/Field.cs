namespace Mergeflow.Engine.Keys;

/// <summary>
/// One matchable field (OVS <c>struct mf_field</c>): a right-aligned big-endian bit range inside <see cref="PipelineFlow"/>.
/// </summary>
/// <param name="Id">Index in <see cref="Fields.All"/>.</param>
/// <param name="Name">ovs-ofctl name, e.g. <c>nw_src</c>.</param>
/// <param name="NxmName">NXM/OXM name used by load, move and register ranges, e.g. <c>NXM_OF_IP_SRC</c>; empty if none.</param>
/// <param name="Offset">Byte offset of the big-endian container in <see cref="PipelineFlow"/>.</param>
/// <param name="SizeBytes">Size of the container in bytes (1, 2, 4, 6, 8 or 16).</param>
/// <param name="Shift">Bit position of the field's bit 0 inside the container, from its least significant bit.</param>
/// <param name="BitCount">Width in bits.</param>
/// <param name="Format">Text form.</param>
/// <param name="Prereq">What the match must pin.</param>
/// <param name="Maskable">Whether an arbitrary mask is allowed.</param>
/// <param name="Writable">Whether set_field, load and move may write it.</param>
public sealed record Field(
    FieldId Id,
    string Name,
    string NxmName,
    int Offset,
    int SizeBytes,
    int Shift,
    int BitCount,
    FieldFormat Format,
    FieldPrereq Prereq,
    bool Maskable,
    bool Writable)
{
    /// <summary>A value with the field's low bits set.</summary>
    public UInt128 MaxValue => BitCount == 128 ? UInt128.MaxValue : (UInt128.One << BitCount) - 1;

    /// <summary>
    /// The bits that the field owns. All of them, except that <c>nw_tos</c> is the DSCP in place and leaves the two ECN bits alone.
    /// </summary>
    public UInt128 OwnedBits => Id == FieldId.NwTos ? 0xfc : MaxValue;

    /// <summary>Bytes of the value as OVS stores it (<c>mf_field.n_bytes</c>): what a number in text may fill before it is "too large".</summary>
    public int ValueSizeBytes => BitCount switch
    {
        <= 8 => 1,
        <= 16 => 2,
        <= 32 => 4,
        <= 48 => 6,
        <= 64 => 8,
        _ => 16,
    };

    /// <summary>Reads the field from <paramref name="flow"/>.</summary>
    public UInt128 Get(ref PipelineFlow flow) => (ReadContainer(flow.Bytes) >> Shift) & OwnedBits;

    /// <summary>Writes all of the field's bits.</summary>
    public void Set(ref PipelineFlow flow, UInt128 value) => SetMasked(ref flow, value, MaxValue);

    /// <summary>
    /// Writes the bits of the field that are set in <paramref name="mask"/>. Writing <c>dl_vlan</c> or a PCP also makes the tag
    /// present (CFI), as in OVS <c>flow_set_dl_vlan</c> and <c>flow_set_vlan_pcp</c>; used on a mask, it makes the mask ask for the tag.
    /// </summary>
    public void SetMasked(ref PipelineFlow flow, UInt128 value, UInt128 mask)
    {
        UInt128 m = (mask & OwnedBits) << Shift;
        UInt128 old = ReadContainer(flow.Bytes);
        UInt128 tagPresent = m != 0 && Id is FieldId.DlVlan or FieldId.DlVlanPcp or FieldId.VlanPcp ? KeyMasks.VlanPresent : 0u;
        WriteContainer(flow.Bytes, (old & ~m) | ((value << Shift) & m) | tagPresent);
    }

    private UInt128 ReadContainer(ReadOnlySpan<byte> bytes)
    {
        UInt128 v = 0;
        foreach (byte b in bytes.Slice(Offset, SizeBytes)) v = (v << 8) | b;
        return v;
    }

    private void WriteContainer(Span<byte> bytes, UInt128 value)
    {
        for (int i = SizeBytes - 1; i >= 0; i--, value >>= 8) bytes[Offset + i] = (byte)value;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
