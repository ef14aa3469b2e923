using System.Buffers.Binary;

namespace Mergeflow.PropertyTests;

/// <summary>Big-endian numbers in byte arrays.</summary>
internal static class Wire
{
    public static ushort U16(ReadOnlySpan<byte> b, int at) => BinaryPrimitives.ReadUInt16BigEndian(b[at..]);

    public static uint U32(ReadOnlySpan<byte> b, int at) => BinaryPrimitives.ReadUInt32BigEndian(b[at..]);

    public static UInt128 U128(ReadOnlySpan<byte> b, int at) => BinaryPrimitives.ReadUInt128BigEndian(b[at..]);

    /// <summary>A MAC address as a number of 48 bits.</summary>
    public static ulong Mac(ReadOnlySpan<byte> b, int at) => ((ulong)U16(b, at) << 32) | U32(b, at + 2);

    public static void Put16(Span<byte> b, int at, ulong value) => BinaryPrimitives.WriteUInt16BigEndian(b[at..], (ushort)value);

    public static void Put32(Span<byte> b, int at, UInt128 value) => BinaryPrimitives.WriteUInt32BigEndian(b[at..], (uint)value);

    public static void Put128(Span<byte> b, int at, UInt128 value) => BinaryPrimitives.WriteUInt128BigEndian(b[at..], value);

    public static void PutMac(Span<byte> b, int at, UInt128 value)
    {
        Put16(b, at, (ulong)(value >> 32));
        Put32(b, at + 2, value & 0xffffffff);
    }
}
