namespace Mergeflow.PropertyTests;

/// <summary>A parsed frame: field values and where its layers are; -1 = there is no such layer.</summary>
internal sealed class ParsedFrame
{
    public RefFlow Flow { get; } = new();

    /// <summary>Offset of the network header.</summary>
    public int L3 { get; set; } = -1;

    /// <summary>Offset of the transport header.</summary>
    public int L4 { get; set; } = -1;

    /// <summary>End of the IP packet: what follows in the frame is padding.</summary>
    public int End { get; set; }

    public int L3SizeBytes => End - L3;

    public int L4SizeBytes => L4 < 0 ? 0 : End - L4;
}
