namespace Mergeflow.Engine;

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

    /// <summary>Reads the field from <paramref name="flow"/>.</summary>
    public UInt128 Get(ref PipelineFlow flow) => (ReadContainer(flow.Bytes) >> Shift) & MaxValue;

    /// <summary>Writes all of the field's bits.</summary>
    public void Set(ref PipelineFlow flow, UInt128 value) => SetMasked(ref flow, value, MaxValue);

    /// <summary>Writes the bits of the field that are set in <paramref name="mask"/>.</summary>
    public void SetMasked(ref PipelineFlow flow, UInt128 value, UInt128 mask)
    {
        UInt128 m = (mask & MaxValue) << Shift;
        UInt128 old = ReadContainer(flow.Bytes);
        WriteContainer(flow.Bytes, (old & ~m) | ((value << Shift) & m));
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
