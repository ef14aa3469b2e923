using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>pcapng: several sections in either byte order, several interfaces, enhanced, simple and obsolete packet blocks.</summary>
/// <remarks>
/// <code>
/// any block: type[0] total[4] body[8] total[total-4]; total is a multiple of 4 and counts all of it
/// section header: byte-order magic[8] major[12] minor[14] section length[16]
/// interface:      linktype[8] snaplen[12] options[16]
/// enhanced (6):   interface[8] time high[12] time low[16] captured[20] original[24] frame[28]
/// obsolete (2):   interface[8:2] drops[10:2], the rest as in 6
/// simple (3):     original[8] frame[12]
/// </code>
/// </remarks>
public sealed unsafe partial class PcapngReader : CaptureReader
{
    /// <summary>Type of a section header block: the same in both byte orders.</summary>
    public const uint SectionHeaderBlock = 0x0a0d0d0a;

    private const uint InterfaceBlock = 1;
    private const uint ObsoletePacketBlock = 2;
    private const uint SimplePacketBlock = 3;
    private const uint EnhancedPacketBlock = 6;
    private const uint ByteOrderMagic = 0x1a2b3c4d;
    private const int MinBlockBytes = 12;
    private const int MinSectionHeaderBytes = 28;

    /// <summary>A longer block that does not end inside the file is garbage rather than cut.</summary>
    private const uint MaxBlockBytes = 16 << 20;

    private PcapngInterface[] _interfaces = new PcapngInterface[4];
    private int _interfaceCount;
    private int _earlierInterfaceCount;
    private bool _swapped;
    private long _lastTimestampNs;

    internal PcapngReader(string path, CaptureBytes bytes)
        : base(path, bytes)
    {
        if (bytes.LengthBytes < MinSectionHeaderBytes) Throw(0, "the file ends inside its section header");
    }

    /// <inheritdoc/>
    public override CaptureFormat Format => CaptureFormat.Pcapng;

    /// <inheritdoc/>
    public override void Rewind()
    {
        Position = 0;
        _interfaceCount = 0;
        _earlierInterfaceCount = 0;
        _lastTimestampNs = 0;
    }

    private protected override CaptureStep Step(out CaptureRecord record)
    {
        record = default;
        while (true)
        {
            long position = Position;
            long leftBytes = FileBytes - position;
            if (leftBytes == 0) return CaptureStep.End;
            if (leftBytes < MinBlockBytes) return CaptureStep.Cut;

            byte* block = At(position);
            uint type = Unsafe.ReadUnaligned<uint>(block);
            if (type == SectionHeaderBlock) ReadByteOrder(position, block);
            else type = U32(block);
            uint totalBytes = U32(block + 4);
            if (totalBytes < MinBlockBytes || (totalBytes & 3) != 0) Throw(position, $"a block of type 0x{type:x} claims {totalBytes} bytes (a multiple of 4, at least {MinBlockBytes})");
            if (totalBytes > leftBytes)
            {
                if (totalBytes > MaxBlockBytes) Throw(position, $"a block of type 0x{type:x} claims {totalBytes} bytes, {leftBytes} are left in the file");
                if (position == 0) Throw(0, "the file ends inside its section header");
                return CaptureStep.Cut;
            }

            uint trailing = U32(block + totalBytes - 4);
            if (trailing != totalBytes) Throw(position, $"a block of type 0x{type:x} begins with length {totalBytes} and ends with {trailing}");
            Position = position + totalBytes;
            switch (type)
            {
                case SectionHeaderBlock:
                    ReadSection(position, block, totalBytes);
                    break;
                case InterfaceBlock:
                    ReadInterface(position, block, totalBytes);
                    break;
                case EnhancedPacketBlock:
                    ReadPacket(position, block, totalBytes, totalBytes >= 32 ? U32(block + 8) : 0, out record);
                    return CaptureStep.Frame;
                case ObsoletePacketBlock:
                    ReadPacket(position, block, totalBytes, totalBytes >= 32 ? U16(block + 8) : 0u, out record);
                    return CaptureStep.Frame;
                case SimplePacketBlock:
                    ReadSimplePacket(position, block, totalBytes, out record);
                    return CaptureStep.Frame;
                default:
                    break; // Names, statistics, secrets and whatever comes later: nothing to forward.
            }
        }
    }

    private void ReadByteOrder(long position, byte* block)
    {
        uint magic = Unsafe.ReadUnaligned<uint>(block + 8);
        if (magic == ByteOrderMagic) _swapped = false;
        else if (magic == BinaryPrimitives.ReverseEndianness(ByteOrderMagic)) _swapped = true;
        else Throw(position, $"byte-order magic 0x{magic:x8} in a section header");
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

    private ulong U64(byte* p)
    {
        ulong value = Unsafe.ReadUnaligned<ulong>(p);
        return _swapped ? BinaryPrimitives.ReverseEndianness(value) : value;
    }
}
