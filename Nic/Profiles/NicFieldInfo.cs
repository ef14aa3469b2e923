namespace Mergeflow.Nic;


/// <summary>Where a field lies in <see cref="NicKey"/>.</summary>
/// <param name="Field">Index in <see cref="NicFields.All"/>.</param>
/// <param name="Name">Name in profiles and messages.</param>
/// <param name="Offset">Byte offset of the big-endian container.</param>
/// <param name="SizeBytes">Size of the container.</param>
/// <param name="FullMask">The field's bits inside the container.</param>
/// <param name="Headers">The bytes mean this field only if one of these headers is required by the rule; None = always.</param>
public sealed record NicFieldInfo(NicField Field, string Name, int Offset, int SizeBytes, UInt128 FullMask, NicHeaders Headers)
{
    /// <summary>Reads the container's bits of this field from a key, mask or value.</summary>
    public UInt128 Read(ReadOnlySpan<byte> key)
    {
        UInt128 v = 0;
        foreach (byte b in key.Slice(Offset, SizeBytes)) v = (v << 8) | b;
        return v & FullMask;
    }

    /// <summary>True if a rule with these header requirements means this field by these bytes.</summary>
    public bool AppliesTo(NicHeaders required) => Headers == NicHeaders.None || (required & Headers) != 0;
}
