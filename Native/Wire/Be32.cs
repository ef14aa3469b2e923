using System.Buffers.Binary;

namespace Mergeflow.Native;

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
