using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Mergeflow.Native;

/// <summary>
/// Keyed hash of 32-byte lanes from AES rounds, 64 bits wide. The key is random per process, so nobody outside can aim at one bucket.
/// </summary>
/// <remarks>
/// <code>
/// x(i)  = enc(lane(i) ^ A(i), C)     each 128-bit half on its own; A(0) for lane 0, A(1) for the others
/// h     = x(0);  h = enc(h, x(i))    for each further lane, so position counts
/// w     = enc(h.low ^ count|basis, h.high)
/// value = low 64 bits of enc(enc(w, F(0)), F(1))
/// enc   = one AES round: two of them spread any byte over all sixteen
/// </code>
/// Every input byte passes at least three rounds. It is no cryptographic MAC: it is a bucket choice that cannot be predicted. Keys are
/// still compared in full.
/// </remarks>
public static unsafe partial class KeyedHash
{
    /// <summary>Size of a lane.</summary>
    public const int LaneSizeBytes = 32;

    /// <summary>Hash of 32 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Hash32(Vector256<byte> lane, ulong basis = 0)
        => Aes.IsSupported ? Hash32<AesRoundNi>(lane, basis) : Hash32<AesRoundSoftware>(lane, basis);

    /// <summary>Hash of 64 bytes: one cache line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Hash64(Vector256<byte> lane0, Vector256<byte> lane1, ulong basis = 0)
        => Aes.IsSupported ? Hash64<AesRoundNi>(lane0, lane1, basis) : Hash64<AesRoundSoftware>(lane0, lane1, basis);

    /// <summary>Hash of <paramref name="laneCount"/> lanes at <paramref name="p"/>; for one and two lanes the value of <see cref="Hash32(Vector256{byte}, ulong)"/> and <see cref="Hash64(Vector256{byte}, Vector256{byte}, ulong)"/>.</summary>
    /// <param name="p">First byte, any alignment.</param>
    /// <param name="laneCount">Number of 32-byte lanes, at least 1.</param>
    /// <param name="basis">Chooses another function of the family.</param>
    public static ulong HashLanes(byte* p, int laneCount, ulong basis = 0)
        => Aes.IsSupported ? HashLanes<AesRoundNi>(p, laneCount, basis) : HashLanes<AesRoundSoftware>(p, laneCount, basis);

    /// <summary>Hash of a span whose length is a positive multiple of 32 bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another length.</exception>
    public static ulong Hash(ReadOnlySpan<byte> bytes, ulong basis = 0)
    {
        CheckLength(bytes.Length);
        fixed (byte* p = bytes) return HashLanes(p, bytes.Length / LaneSizeBytes, basis);
    }

    /// <summary>
    /// A hash that stands for the bytes themselves, where they are not compared: twice as slow. In one pass a half of a lane meets the other after a
    /// single round, so pairs of inputs are known that collide in all 64 bits 2^32 times as often as chance has it. The second pass begins with the
    /// value of the first, and such a pair would have to collide again.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is no positive multiple of 32 bytes.</exception>
    public static ulong Identity(ReadOnlySpan<byte> bytes) => Hash(bytes, ~Hash(bytes));

    private static void CheckLength(int lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lengthBytes, LaneSizeBytes);
        if (lengthBytes % LaneSizeBytes != 0) throw new ArgumentOutOfRangeException(nameof(lengthBytes), lengthBytes, "Whole lanes of 32 bytes only.");
    }
}
