namespace Mergeflow.Engine;

/// <summary>Bits [<paramref name="Start"/>, Start+<paramref name="BitCount"/>) of a field, bit 0 the least significant (OVS <c>struct mf_subfield</c>).</summary>
public readonly record struct Subfield(Field Field, int Start, int BitCount)
{
    /// <summary>The whole of a field.</summary>
    public static Subfield Whole(Field field) => new(field, 0, field.BitCount);

    /// <summary>NXM text: <c>NAME[]</c>, <c>NAME[n]</c> or <c>NAME[a..b]</c>.</summary>
    public override string ToString()
        => BitCount == Field.BitCount ? $"{Field.NxmName}[]"
         : BitCount == 1 ? $"{Field.NxmName}[{Start}]"
         : $"{Field.NxmName}[{Start}..{Start + BitCount - 1}]";
}
