namespace Mergeflow.Engine.Text;

/// <summary>A value and a mask as written, both in OVS's width of the field; <paramref name="All"/> is that width's full mask.</summary>
public readonly record struct FieldValue(UInt128 Value, UInt128 Mask, UInt128 All)
{
    /// <summary>All bits matter.</summary>
    public bool IsExact => Mask == All;

    /// <summary>No bit matters.</summary>
    public bool IsWild => Mask == 0;
}
