namespace Mergeflow.Engine.Keys;

/// <summary>Bits [<paramref name="Start"/>, Start+<paramref name="BitCount"/>) of a field, bit 0 the least significant (OVS <c>struct mf_subfield</c>).</summary>
public readonly record struct Subfield(Field Field, int Start, int BitCount)
{
    /// <summary>The whole of a field.</summary>
    public static Subfield Whole(Field field) => new(field, 0, field.BitCount);

    /// <summary>NXM text: <c>NAME[]</c>, <c>NAME[n]</c> or <c>NAME[a..b]</c>; the ovs-ofctl name for fields without an NXM name.</summary>
    public override string ToString()
    {
        string name = Field.NxmName.Length > 0 ? Field.NxmName : Field.Name;
        return BitCount == Field.BitCount ? $"{name}[]"
            : BitCount == 1 ? $"{name}[{Start}]"
            : $"{name}[{Start}..{Start + BitCount - 1}]";
    }
}
