using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Mergeflow.Native;

/// <summary>
/// Packets and bytes that are never seen apart (VPP <c>vlib_counter_t</c>, a combined counter): one thread adds, any thread reads, and nobody waits.
/// It must lie on a boundary of 16 bytes.
/// </summary>
/// <remarks>
/// Both words are written with one store of 16 bytes and read with one load. Aligned, these are one access on every processor with AVX
/// (Intel SDM vol. 3A 9.1.1, AMD APM vol. 2 7.3.2) and on Arm with LSE2, so to add costs no more than two separate additions. A sequence word
/// would cost the writer two more stores and let it hold up a reader.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = SizeBytes)]
public struct CombinedCounter
{
    /// <summary>Size in bytes, and the boundary that it must lie on.</summary>
    public const int SizeBytes = 16;

    /// <summary>Packets; for the thread that adds.</summary>
    public ulong Packets;

    /// <summary>Their bytes; for the thread that adds.</summary>
    public ulong Bytes;

    /// <summary>Adds to both words, each modulo 2^64. Only one thread may add.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Add(ref CombinedCounter counter, ulong packets, ulong bytes)
    {
        var at = (ulong*)Unsafe.AsPointer(ref counter);
        Vector128.StoreAligned(Vector128.LoadAligned(at) + Vector128.Create(packets, bytes), at);
    }

    /// <summary>Both words as they were at one moment; from any thread.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static unsafe (ulong Packets, ulong Bytes) Read(ref CombinedCounter counter)
    {
        Vector128<ulong> both = Vector128.LoadAligned((ulong*)Unsafe.AsPointer(ref counter));

        // What is read behind it is at least as new.
        Volatile.ReadBarrier();
        return (both.GetElement(0), both.GetElement(1));
    }
}
