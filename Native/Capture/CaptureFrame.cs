namespace Mergeflow.Native;

/// <summary>One frame of a capture. What it points to is good until the next frame is read or the reader is disposed.</summary>
public readonly unsafe ref struct CaptureFrame
{
    internal CaptureFrame(scoped in CaptureRecord record)
    {
        Data = record.Data;
        CapturedBytes = record.CapturedBytes;
        OriginalBytes = record.OriginalBytes;
        TimestampNs = record.TimestampNs;
        InterfaceIndex = record.InterfaceIndex;
        OffsetBytes = record.OffsetBytes;
    }

    /// <summary>First byte: an Ethernet destination address. Nothing behind the frame may be read.</summary>
    public byte* Data { get; }

    /// <summary>Bytes that are here.</summary>
    public int CapturedBytes { get; }

    /// <summary>Bytes that were on the wire; more than <see cref="CapturedBytes"/> if the capture kept only a part.</summary>
    public int OriginalBytes { get; }

    /// <summary>Nanoseconds since 1970-01-01 UTC. A pcapng simple packet has no time: it gets that of the frame before it.</summary>
    public long TimestampNs { get; }

    /// <summary>Capture interface, counted from 0 through all sections of the file; 0 in a classic pcap.</summary>
    public int InterfaceIndex { get; }

    /// <summary>Offset of the record in the file.</summary>
    public long OffsetBytes { get; }

    /// <summary>True if the capture kept only a part of the frame (snap length).</summary>
    public bool IsCut => CapturedBytes < OriginalBytes;

    /// <summary>The bytes that are here.</summary>
    public ReadOnlySpan<byte> Bytes => new(Data, CapturedBytes);
}
