namespace Mergeflow.Control.OpenFlow;

/// <summary><c>OFPT_HELLO</c>: which versions one speaks.</summary>
public sealed record OfHello : OfMessage
{
    private const ushort BitmapType = 1;

    /// <summary>Bit n = version n; null = all up to that of the header.</summary>
    public uint? Versions;

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        if (wire.IsReading)
        {
            Read(ref wire.Reader);
            return;
        }

        if (Versions is not { } versions) return;
        wire.Writer.U16(BitmapType);
        wire.Writer.U16(8);
        wire.Writer.U32(versions);
    }

    private void Read(ref OfReader reader)
    {
        while (reader.Left >= 4)
        {
            int start = reader.At;
            (ushort type, int length) = (reader.U16(), reader.U16());
            if (length < 4 || length - 4 > reader.Left) break;
            OfReader body = reader.Part(length - 4);
            if (type == BitmapType && body.Left >= 4) Versions = body.U32();
            reader.SkipTo8(start);
        }

        reader.TakeRest();
    }
}
