using System.Buffers.Binary;

namespace Mergeflow.Native;

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
