using System.Runtime.Intrinsics;

namespace Mergeflow.Native;

public static unsafe partial class InternetChecksum
{
    /// <summary>Below this the scalar loop is as fast: one IPv4 header is 20 bytes.</summary>
    private const int MinVectorBytes = 64;

    /// <summary>Vector kernel of <see cref="Sum(byte*, int, uint)"/>: 64 bytes per step into four 64-bit sums per vector, which cannot overflow.</summary>
    public static uint SumVector256(byte* p, int lengthBytes, uint seed)
    {
        Vector256<ulong> low = Vector256.Create(0xffff_ffffUL);
        Vector256<ulong> sum0 = Vector256<ulong>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (; lengthBytes >= 64; lengthBytes -= 64, p += 64)
        {
            Vector256<ulong> a = Vector256.Load((ulong*)p);
            Vector256<ulong> b = Vector256.Load((ulong*)(p + 32));
            sum0 += a & low;
            sum1 += a >>> 32;
            sum2 += b & low;
            sum3 += b >>> 32;
        }

        if (lengthBytes >= 32)
        {
            Vector256<ulong> a = Vector256.Load((ulong*)p);
            sum0 += a & low;
            sum1 += a >>> 32;
            p += 32;
            lengthBytes -= 32;
        }

        ulong sum = Vector256.Sum(sum0 + sum1 + sum2 + sum3);
        return EndAround(AddTail(p, lengthBytes, sum + seed));
    }
}
