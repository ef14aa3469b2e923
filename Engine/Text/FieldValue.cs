namespace Mergeflow.Engine.Text;

/// <summary>A value and a mask as written, both in OVS's width of the field; <paramref name="All"/> is that width's full mask.</summary>
internal readonly record struct FieldValue(UInt128 Value, UInt128 Mask, UInt128 All)
{
    public bool IsExact => Mask == All;

    public bool IsWild => Mask == 0;
}
