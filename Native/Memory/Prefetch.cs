using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Mergeflow.Native;

/// <summary>Hints that a cache line will be needed. A hint never faults, whatever the address (DPDK <c>rte_prefetch0</c>).</summary>
public static unsafe class Prefetch
{
    /// <summary>Brings the line of <paramref name="p"/> into all cache levels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Read(void* p)
    {
        if (Sse.IsSupported) Sse.Prefetch0(p);
    }
}
