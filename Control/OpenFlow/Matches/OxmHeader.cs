namespace Mergeflow.Control.OpenFlow;

/// <summary>What stands before a value (<c>OXM_HEADER</c>, NXM alike).</summary>
/// <param name="Class"><c>OFPXMC_*</c>.</param>
/// <param name="Number">Number within the class.</param>
/// <param name="HasMask">A mask follows the value.</param>
/// <param name="LengthBytes">Of value and mask.</param>
/// <param name="Vendor">Experimenter; 0 = none.</param>
internal readonly record struct OxmHeader(ushort Class, byte Number, bool HasMask, int LengthBytes, uint Vendor)
{
    private const ushort ExperimenterClass = 0xffff;

    /// <summary>Some <c>tun_metadata</c>: no Geneve option is in it but in the first (<c>NXM_NX_TUN_METADATA</c>).</summary>
    public bool IsOption => Class == 1 && Number is >= 40 and < 104;

    /// <summary>Reads it.</summary>
    /// <exception cref="OfRefusal"><c>OFPBMC_BAD_LEN</c>.</exception>
    public static OxmHeader Read(ref OfReader reader)
    {
        if (reader.Left < 4) throw BadLength();
        (ushort kind, byte number, int length) = (reader.U16(), reader.U8(), reader.U8());
        uint vendor = 0;
        if (kind == ExperimenterClass)
        {
            if (reader.Left < 4 || length < 4) throw BadLength();
            vendor = reader.U32();
            length -= 4;
        }

        return new OxmHeader(kind, (byte)(number >> 1), (number & 1) != 0, length, vendor);
    }

    /// <summary>Reads a header of the old form, 32 bits.</summary>
    public static OxmHeader Of(uint header) => new((ushort)(header >> 16), (byte)((header >> 9) & 0x7f), (header & 0x100) != 0, (int)(header & 0xff), 0);

    private static OfRefusal BadLength() => new("OFPBMC_BAD_LEN", "a field's header is not whole");
}
