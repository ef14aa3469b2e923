using System.Buffers.Binary;
using System.Numerics;

namespace Mergeflow.Nic;


/// <summary>Receive-side scaling hash: keyed, and the same for both directions of a flow.</summary>
internal static class NicRss
{
    /// <summary>Hash of addresses, protocol and (unfragmented) ports; 0 without IP.</summary>
    public static uint Hash(ulong seed, ref NicKey key, NicHeaders headers)
    {
        ReadOnlySpan<byte> k = key.Bytes;
        ulong src, dst;
        if ((headers & NicHeaders.Ipv4) != 0)
        {
            src = BinaryPrimitives.ReadUInt32BigEndian(k[36..]);
            dst = BinaryPrimitives.ReadUInt32BigEndian(k[40..]);
        }
        else if ((headers & NicHeaders.Ipv6) != 0)
        {
            src = Mix(seed ^ BinaryPrimitives.ReadUInt64BigEndian(k[64..])) ^ BinaryPrimitives.ReadUInt64BigEndian(k[72..]);
            dst = Mix(seed ^ BinaryPrimitives.ReadUInt64BigEndian(k[80..])) ^ BinaryPrimitives.ReadUInt64BigEndian(k[88..]);
        }
        else
        {
            return 0;
        }
        // All fragments of a datagram must reach one queue, and only the first has ports.
        if (k[29] == 0)
        {
            src ^= (ulong)BinaryPrimitives.ReadUInt16BigEndian(k[44..]) << 40;
            dst ^= (ulong)BinaryPrimitives.ReadUInt16BigEndian(k[46..]) << 40;
        }
        // Addition makes it symmetric; mixing each end first keeps pairs with equal sums apart.
        ulong h = Mix(seed ^ src) + Mix(seed ^ dst);
        return (uint)Mix(h ^ k[32]);
    }

    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93;
        x = (x ^ BitOperations.RotateRight(x, 29)) * 0xd6e8feb86659fd93;
        return x ^ (x >> 32);
    }
}
