using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Keys;

/// <summary>128 bits in wire order: an IPv6 address, or a conntrack label.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
public struct Ipv6Address : IEquatable<Ipv6Address>
{
    private readonly ulong _a;
    private readonly ulong _b;

    /// <summary>Reads sixteen bytes in wire order.</summary>
    public static Ipv6Address From(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<Ipv6Address>(bytes);

    /// <summary>From a number, most significant byte first on the wire.</summary>
    public static Ipv6Address FromUInt128(UInt128 value)
    {
        Span<byte> b = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(b, value);
        return From(b);
    }

    /// <summary>The value as a number.</summary>
    public readonly UInt128 ToUInt128()
        => BinaryPrimitives.ReadUInt128BigEndian(MemoryMarshal.AsBytes(new ReadOnlySpan<Ipv6Address>(in this)));

    /// <summary>True if all bits are zero.</summary>
    public readonly bool IsZero => (_a | _b) == 0;

    public readonly bool Equals(Ipv6Address other) => _a == other._a && _b == other._b;

    public override readonly bool Equals(object? obj) => obj is Ipv6Address e && Equals(e);

    public override readonly int GetHashCode() => HashCode.Combine(_a, _b);

    public static bool operator ==(Ipv6Address a, Ipv6Address b) => a.Equals(b);

    public static bool operator !=(Ipv6Address a, Ipv6Address b) => !a.Equals(b);

    /// <summary>RFC 5952 text.</summary>
    public override readonly string ToString()
        => new IPAddress(MemoryMarshal.AsBytes(new ReadOnlySpan<Ipv6Address>(in this))).ToString();
}
