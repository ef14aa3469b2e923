using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>Classic pcap: micro- or nanoseconds, either byte order.</summary>
/// <remarks>
/// <code>
/// file header (24): magic[0] major[4] minor[6] zone[8] sigfigs[12] snaplen[16] linktype[20]
/// record header (16): seconds[0] fraction[4] captured[8] original[12], then the captured bytes
/// </code>
/// </remarks>
public sealed unsafe class PcapReader : CaptureReader
{
    /// <summary>Magic of a file in microseconds.</summary>
    public const uint MagicMicroseconds = 0xa1b2c3d4;

    /// <summary>Magic of a file in nanoseconds.</summary>
    public const uint MagicNanoseconds = 0xa1b23c4d;

    private const int FileHeaderBytes = 24;
    private const int RecordHeaderBytes = 16;

    private readonly bool _swapped;
    private readonly int _nsPerUnit;
    private readonly uint _linkType;

    internal PcapReader(string path, CaptureBytes bytes)
        : base(path, bytes)
    {
        uint magic = Unsafe.ReadUnaligned<uint>(At(0));
        uint mirrored = BinaryPrimitives.ReverseEndianness(magic);
        if (magic is not (MagicMicroseconds or MagicNanoseconds))
        {
            if (mirrored is not (MagicMicroseconds or MagicNanoseconds)) Throw(0, $"magic 0x{mirrored:x8} is neither pcap nor pcapng");
            _swapped = true;
            magic = mirrored;
        }

        _nsPerUnit = magic == MagicNanoseconds ? 1 : 1000;
        if (bytes.LengthBytes < FileHeaderBytes) Throw(0, $"the file ends inside its {FileHeaderBytes}-byte header");
        ushort major = U16(At(4)), minor = U16(At(6));
        if (major != 2 || minor < 3) Throw(4, $"pcap version {major}.{minor} is not supported (2.3 and 2.4 are)");

        // The upper bits tell about a frame check sequence; they are no part of the type.
        _linkType = U32(At(20)) & 0x03ff_ffff;
        CheckLinkType(20, _linkType);
    }

    /// <inheritdoc/>
    public override CaptureFormat Format => CaptureFormat.Pcap;

    /// <inheritdoc/>
    public override void Rewind() => Position = FileHeaderBytes;

    private protected override CaptureStep Step(out CaptureRecord record)
    {
        record = default;
        long position = Position;
        long leftBytes = FileBytes - position;
        if (leftBytes == 0) return CaptureStep.End;
        if (leftBytes < RecordHeaderBytes) return CaptureStep.Cut;

        byte* header = At(position);
        uint captured = U32(header + 8);
        uint original = U32(header + 12);
        if (captured > CaptureFile.MaxFrameBytes) Throw(position, $"a record claims {captured} bytes (at most {CaptureFile.MaxFrameBytes} are believed)");
        if (original > int.MaxValue) Throw(position, $"a record claims a frame of {original} bytes");
        if (leftBytes - RecordHeaderBytes < captured) return CaptureStep.Cut;

        record.Data = header + RecordHeaderBytes;
        record.CapturedBytes = (int)captured;
        record.OriginalBytes = (int)Math.Max(original, captured);
        record.TimestampNs = (U32(header) * 1_000_000_000L) + ((long)U32(header + 4) * _nsPerUnit);
        record.LinkType = _linkType;
        record.OffsetBytes = position;
        Position = position + RecordHeaderBytes + captured;
        return CaptureStep.Frame;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint U32(byte* p)
    {
        uint value = Unsafe.ReadUnaligned<uint>(p);
        return _swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
    }

    private ushort U16(byte* p)
    {
        ushort value = Unsafe.ReadUnaligned<ushort>(p);
        return _swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
    }
}
