using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Mergeflow.Native;

/// <summary>Hints that a cache line will be needed. A hint never faults, whatever the address (DPDK <c>rte_prefetch0</c>).</summary>
public static unsafe class Prefetch
{
    /// <summary>Size of a cache line on the machines this is written for.</summary>
    public const int LineSizeBytes = 64;

    /// <summary>Brings the line of <paramref name="p"/> into all cache levels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(void* p)
    {
        if (Sse.IsSupported) Sse.Prefetch0(p);
    }

    /// <summary>Brings the line of <paramref name="p"/> into the outer cache levels only (data that is used late).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadOuter(void* p)
    {
        if (Sse.IsSupported) Sse.Prefetch1(p);
    }

    /// <summary>Brings the line of <paramref name="p"/> in, to be used once (keeps the outer levels clean).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadOnce(void* p)
    {
        if (Sse.IsSupported) Sse.PrefetchNonTemporal(p);
    }

    /// <summary>Brings <paramref name="sizeBytes"/> bytes from <paramref name="p"/> on, line by line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadRange(byte* p, int sizeBytes)
    {
        for (int offset = 0; offset < sizeBytes; offset += LineSizeBytes) Read(p + offset);
    }
}
