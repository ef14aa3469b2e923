using System.Buffers.Binary;

namespace Mergeflow.Native;

/// <summary>A 16-bit integer held in network byte order (OVS <c>ovs_be16</c>).</summary>
public readonly record struct Be16(ushort Raw)
{
    /// <summary>The value in host order.</summary>
    public ushort Host => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(Raw) : Raw;

    /// <summary>Converts a host-order value.</summary>
    public static Be16 FromHost(ushort value) => new(BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value);

    /// <inheritdoc/>
    public override string ToString() => Host.ToString();
}

/// <summary>A 32-bit integer held in network byte order (OVS <c>ovs_be32</c>).</summary>
public readonly record struct Be32(uint Raw)
{
    /// <summary>The value in host order.</summary>
    public uint Host => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(Raw) : Raw;

    /// <summary>Converts a host-order value.</summary>
    public static Be32 FromHost(uint value) => new(BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value);

    /// <inheritdoc/>
    public override string ToString() => Host.ToString();
}

/// <summary>A 64-bit integer held in network byte order (OVS <c>ovs_be64</c>).</summary>
public readonly record struct Be64(ulong Raw)
{
    /// <summary>The value in host order.</summary>
    public ulong Host => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(Raw) : Raw;

    /// <summary>Converts a host-order value.</summary>
    public static Be64 FromHost(ulong value) => new(BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value);

    /// <inheritdoc/>
    public override string ToString() => Host.ToString();
}
