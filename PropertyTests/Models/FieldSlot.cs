namespace Mergeflow.PropertyTests;

/// <summary>Where a field of the input language is in a <see cref="RefFlow"/>: the bits [Shift, Shift+BitCount) of one model field.</summary>
internal readonly record struct FieldSlot(RefField Field, int Shift, int BitCount)
{
    public UInt128 Mask => BitCount == 128 ? UInt128.MaxValue : (UInt128.One << BitCount) - 1;

    public UInt128 Get(RefFlow flow) => (flow[Field] >> Shift) & Mask;

    public void Set(RefFlow flow, UInt128 value, UInt128 mask)
    {
        UInt128 placed = (mask & Mask) << Shift;
        flow[Field] = (flow[Field] & ~placed) | ((value << Shift) & placed);
    }
}
