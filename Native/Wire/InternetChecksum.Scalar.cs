using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

public static unsafe partial class InternetChecksum
{
    /// <summary>Scalar twin of <see cref="SumVector256(byte*, int, uint)"/>: same value for every input.</summary>
    public static uint SumScalar(byte* p, int lengthBytes, uint seed) => EndAround(AddTail(p, lengthBytes, seed));

    /// <summary>Adds bytes to a 64-bit sum that has room for 2^32 more words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong AddTail(byte* p, int lengthBytes, ulong sum)
    {
        for (; lengthBytes >= 8; lengthBytes -= 8, p += 8)
        {
            ulong words = Unsafe.ReadUnaligned<ulong>(p);
            sum += (uint)words;
            sum += words >> 32;
        }

        if ((lengthBytes & 4) != 0)
        {
            sum += Unsafe.ReadUnaligned<uint>(p);
            p += 4;
        }

        if ((lengthBytes & 2) != 0)
        {
            sum += Unsafe.ReadUnaligned<ushort>(p);
            p += 2;
        }

        // The missing second byte of the last word is zero; it is the high byte in memory order of a little-endian machine.
        if ((lengthBytes & 1) != 0) sum += BitConverter.IsLittleEndian ? *p : (uint)*p << 8;
        return sum;
    }
}
