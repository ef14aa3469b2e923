using System.Numerics;
using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.Packets;

/// <summary>The checksum of SCTP (RFC 9260 appendix A).</summary>
internal static unsafe class Crc32c
{
    /// <summary>Over a block, in the order in which it is stored.</summary>
    public static uint Compute(byte* p, int lengthBytes)
    {
        uint crc = uint.MaxValue;
        for (; lengthBytes >= 8; lengthBytes -= 8, p += 8) crc = BitOperations.Crc32C(crc, Unsafe.ReadUnaligned<ulong>(p));
        for (; lengthBytes > 0; lengthBytes--, p++) crc = BitOperations.Crc32C(crc, *p);
        return ~crc;
    }
}
