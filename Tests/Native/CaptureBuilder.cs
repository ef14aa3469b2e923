using System.Buffers.Binary;

namespace Mergeflow.Tests;

/// <summary>Writes capture files field by field, in either byte order, so that the readers are tested against something else than the writer.</summary>
internal sealed class CaptureBuilder(bool bigEndian)
{
    private readonly List<byte> _bytes = [];

    public int Length => _bytes.Count;

    public byte[] ToArray() => [.. _bytes];

    public CaptureBuilder U16(int value)
    {
        Span<byte> b = stackalloc byte[2];
        if (bigEndian) BinaryPrimitives.WriteUInt16BigEndian(b, (ushort)value);
        else BinaryPrimitives.WriteUInt16LittleEndian(b, (ushort)value);
        return Raw(b);
    }

    public CaptureBuilder U32(uint value)
    {
        Span<byte> b = stackalloc byte[4];
        if (bigEndian) BinaryPrimitives.WriteUInt32BigEndian(b, value);
        else BinaryPrimitives.WriteUInt32LittleEndian(b, value);
        return Raw(b);
    }

    public CaptureBuilder Raw(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public CaptureBuilder PcapHeader(uint magic = 0xa1b2c3d4, uint linkType = 1, int major = 2, int minor = 4)
        => U32(magic).U16(major).U16(minor).U32(0).U32(0).U32(65535).U32(linkType);

    public CaptureBuilder PcapRecord(uint seconds, uint fraction, ReadOnlySpan<byte> frame, uint? original = null)
        => U32(seconds).U32(fraction).U32((uint)frame.Length).U32(original ?? (uint)frame.Length).Raw(frame);

    public CaptureBuilder Block(uint type, Action<CaptureBuilder> body)
    {
        var inner = new CaptureBuilder(bigEndian);
        body(inner);
        while (inner.Length % 4 != 0) inner.Raw([0]);
        uint total = (uint)inner.Length + 12;
        return U32(type).U32(total).Raw(inner.ToArray()).U32(total);
    }

    public CaptureBuilder Section() => Block(0x0a0d0d0a, b => b.U32(0x1a2b3c4d).U16(1).U16(0).U32(uint.MaxValue).U32(uint.MaxValue));

    public CaptureBuilder Interface(int linkType = 1, uint snap = 0, byte? resolution = null, long? offsetSeconds = null) => Block(1, b =>
    {
        b.U16(linkType).U16(0).U32(snap);
        b.U16(2).U16(3).Raw("em0\0"u8);
        if (resolution is byte r) b.U16(9).U16(1).Raw([r, 0, 0, 0]);
        if (offsetSeconds is long s)
        {
            b.U16(14).U16(8);
            byte[] value = BitConverter.GetBytes(s);
            if (bigEndian) Array.Reverse(value);
            b.Raw(value);
        }

        b.U16(0).U16(0);
    });

    public CaptureBuilder Packet(uint interfaceId, ulong time, ReadOnlySpan<byte> frame, uint? original = null)
    {
        byte[] copy = frame.ToArray();
        return Block(6, b => b.U32(interfaceId).U32((uint)(time >> 32)).U32((uint)time).U32((uint)copy.Length).U32(original ?? (uint)copy.Length).Raw(copy));
    }

    public CaptureBuilder ObsoletePacket(int interfaceId, ulong time, ReadOnlySpan<byte> frame)
    {
        byte[] copy = frame.ToArray();
        return Block(2, b => b.U16(interfaceId).U16(7).U32((uint)(time >> 32)).U32((uint)time).U32((uint)copy.Length).U32((uint)copy.Length).Raw(copy));
    }

    public CaptureBuilder SimplePacket(ReadOnlySpan<byte> frame, uint? original = null)
    {
        byte[] copy = frame.ToArray();
        return Block(3, b => b.U32(original ?? (uint)copy.Length).Raw(copy));
    }
}
