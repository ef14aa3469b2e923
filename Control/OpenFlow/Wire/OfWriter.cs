using System.Buffers.Binary;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Writes big-endian numbers into memory that grows.</summary>
/// <param name="version">Version of what is written.</param>
public sealed class OfWriter(OfVersion version)
{
    private byte[] _bytes = new byte[256];

    /// <summary>Version of what is written.</summary>
    public OfVersion Version { get; } = version;

    /// <summary>Bytes of the Geneve option behind <c>tun_metadata0</c>; 0 = none is mapped, and as few as the value needs are written.</summary>
    public int TunMetadata0Bytes { get; init; }

    /// <summary>What the headers of <c>tun_metadata0</c> say without a value: as long as the option it is mapped to; 0 = the writer knows of none (a controller does not), and they say the most.</summary>
    public int OptionHeaderBytes { get; init; }

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What has been written.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>Forgets what was written behind a place.</summary>
    public void Truncate(int length) => Length = length;

    internal void U8(byte value) => Grow(1)[0] = value;

    internal void U16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Grow(2), value);

    internal void U32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Grow(4), value);

    internal void U64(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Grow(8), value);

    internal void U128(UInt128 value) => BinaryPrimitives.WriteUInt128BigEndian(Grow(16), value);

    /// <summary>A number in so many bytes.</summary>
    internal void Number(UInt128 value, int byteCount)
    {
        Span<byte> to = Grow(byteCount);
        for (int i = byteCount - 1; i >= 0; i--, value >>= 8) to[i] = (byte)value;
    }

    internal void Bytes(ReadOnlySpan<byte> value) => value.CopyTo(Grow(value.Length));

    internal void Zeros(int count) => Grow(count).Clear();

    /// <summary>Zeros up to a multiple of 8 bytes behind <paramref name="start"/>.</summary>
    internal void PadTo8(int start) => Zeros(-(Length - start) & 7);

    /// <summary>Writes what was not known before.</summary>
    internal void PatchU16(int at, int value) => BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(at), checked((ushort)value));

    /// <summary>The length of what began at <paramref name="start"/>, at <paramref name="at"/>.</summary>
    internal void PatchLength(int at, int start) => PatchU16(at, Length - start);

    private Span<byte> Grow(int count)
    {
        if (count > _bytes.Length - Length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + count));
        Length += count;
        return _bytes.AsSpan(Length - count, count);
    }
}
