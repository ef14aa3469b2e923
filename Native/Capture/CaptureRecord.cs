namespace Mergeflow.Native;

/// <summary>A frame record as the file holds it, link header not adapted yet.</summary>
internal unsafe struct CaptureRecord
{
    public byte* Data;
    public int CapturedBytes;
    public int OriginalBytes;
    public long TimestampNs;
    public int InterfaceIndex;
    public uint LinkType;
    public long OffsetBytes;
}
