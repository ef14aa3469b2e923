using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Reads big-endian numbers from a message that may be wrong in any way: nothing behind its end is read.</summary>
/// <param name="bytes">What is read.</param>
/// <param name="version">Version of the message.</param>
/// <param name="lengthError">The error that is given when it is too short.</param>
internal ref struct OfReader(ReadOnlySpan<byte> bytes, OfVersion version, string lengthError = "OFPBRC_BAD_LEN")
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    /// <summary>Version of the message.</summary>
    public OfVersion Version { get; } = version;

    /// <summary>Bytes that are left.</summary>
    public readonly int Left => _bytes.Length - _at;

    /// <summary>Bytes that have been read.</summary>
    public readonly int At => _at;

    /// <summary>All that is left, without reading it.</summary>
    public readonly ReadOnlySpan<byte> Rest => _bytes[_at..];

    /// <summary>The next bytes.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > Left) TooShort();
        _at += count;
        return _bytes.Slice(_at - count, count);
    }

    /// <summary>The next bytes as a reader of their own.</summary>
    public OfReader Part(int count, string? error = null) => new(Take(count), Version, error ?? lengthError);

    /// <summary>All that is left.</summary>
    public ReadOnlySpan<byte> TakeRest() => Take(Left);

    /// <summary>Padding, whatever is in it.</summary>
    public void Skip(int count) => Take(count);

    /// <summary>Padding that has to be zero.</summary>
    public void Zeros(int count, string error)
    {
        if (Take(count).ContainsAnyExcept((byte)0)) throw new OfRefusal(error, "reserved bytes are not zero");
    }

    /// <summary>Padding up to a multiple of 8 bytes behind <paramref name="start"/>, as far as there is any.</summary>
    public void SkipTo8(int start) => Skip(Math.Min(Left, -(_at - start) & 7));

    public byte U8() => Take(1)[0];

    public ushort U16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    public uint U32() => BinaryPrimitives.ReadUInt32BigEndian(Take(4));

    public ulong U64() => BinaryPrimitives.ReadUInt64BigEndian(Take(8));

    public UInt128 U128() => BinaryPrimitives.ReadUInt128BigEndian(Take(16));

    /// <summary>A number of any width.</summary>
    public static UInt128 Number(ReadOnlySpan<byte> bytes)
    {
        UInt128 v = 0;
        foreach (byte b in bytes) v = (v << 8) | b;
        return v;
    }

    [DoesNotReturn]
    private readonly void TooShort() => throw new OfRefusal(lengthError, $"the message ends too early, at byte {_bytes.Length}");
}
