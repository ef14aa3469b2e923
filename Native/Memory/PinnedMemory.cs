using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>Zeroed memory outside the managed heap: it never moves, and raw pointers into it stay good until the block is disposed.</summary>
public static unsafe class PinnedMemory
{
    /// <summary>Size of the huge pages that are asked for.</summary>
    public const nuint HugePageSizeBytes = 2 << 20;

    /// <summary>A smaller block stays on base pages: a huge page costs 2 MiB and the time to clear it, even for one record.</summary>
    public const nuint MinHugeBlockBytes = 256 << 10;

    /// <summary>Size of a base page.</summary>
    public static readonly nuint PageSizeBytes = (nuint)Environment.SystemPageSize;

    /// <summary>Allocates zeroed memory.</summary>
    /// <param name="sizeBytes">Usable size, at least 1.</param>
    /// <param name="alignBytes">Alignment of the first byte, a power of two.</param>
    /// <param name="wantHugePages">Try reserved 2 MiB pages first, transparent ones next. Failing that, or for less than <see cref="MinHugeBlockBytes"/>, base pages: see <see cref="PinnedBlock.HugePages"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size of 0, or an alignment that is no power of two.</exception>
    /// <exception cref="OutOfMemoryException">The system has no such memory left.</exception>
    public static PinnedBlock Allocate(nuint sizeBytes, nuint alignBytes = 64, bool wantHugePages = false)
    {
        if (sizeBytes == 0 || sizeBytes > nuint.MaxValue / 4) ThrowSize(sizeBytes);
        if (!nuint.IsPow2(alignBytes) || alignBytes > nuint.MaxValue / 4) ThrowAlign(alignBytes);
        if (!OperatingSystem.IsLinux()) return AllocatePortable(sizeBytes, alignBytes);

        if (!wantHugePages || sizeBytes < MinHugeBlockBytes) return AllocateAligned(sizeBytes, RoundUp(sizeBytes, PageSizeBytes), alignBytes, wantHugePages: false);

        // Whole huge pages also for the transparent kind: the kernel puts none where the mapping ends in the middle of it.
        nuint roundedBytes = RoundUp(sizeBytes, HugePageSizeBytes);
        if (alignBytes <= HugePageSizeBytes)
        {
            void* p = Map(roundedBytes, Libc.MapHugeTlb | Libc.MapHuge2Mb);
            if (p != null) return new PinnedBlock(p, sizeBytes, p, roundedBytes, HugePageKind.Explicit);
        }

        return AllocateAligned(sizeBytes, roundedBytes, nuint.Max(alignBytes, HugePageSizeBytes), wantHugePages: true);
    }

    /// <summary><paramref name="value"/> rounded up to a multiple of <paramref name="unit"/>, a power of two.</summary>
    public static nuint RoundUp(nuint value, nuint unit) => (value + unit - 1) & ~(unit - 1);

    /// <summary>Private anonymous memory, or null.</summary>
    internal static void* Map(nuint lengthBytes, int extraFlags = 0)
    {
        void* p = Libc.Mmap(null, lengthBytes, Libc.ProtRead | Libc.ProtWrite, Libc.MapPrivate | Libc.MapAnonymous | extraFlags, -1, 0);
        return p == Libc.MapFailed ? null : p;
    }

    [DoesNotReturn]
    internal static void ThrowNoMemory(nuint sizeBytes) => throw new OutOfMemoryException($"Cannot map {sizeBytes} bytes (errno {Marshal.GetLastPInvokeError()}).");

    private static PinnedBlock AllocateAligned(nuint sizeBytes, nuint roundedBytes, nuint alignBytes, bool wantHugePages)
    {
        // mmap aligns to a page only; for more, map the alignment on top and use the aligned part.
        nuint slackBytes = alignBytes > PageSizeBytes ? alignBytes : 0;
        nuint mappedBytes = roundedBytes + slackBytes;
        void* mapping = Map(mappedBytes);
        if (mapping == null) ThrowNoMemory(sizeBytes);

        byte* p = (byte*)RoundUp((nuint)mapping, alignBytes);
        var kind = HugePageKind.None;
        if (wantHugePages && Libc.Madvise(p, roundedBytes, Libc.MadvHugePage) == 0 && TransparentHugePagesEnabled())
        {
            kind = HugePageKind.Transparent;
        }

        return new PinnedBlock(p, sizeBytes, mapping, mappedBytes, kind);
    }

    private static PinnedBlock AllocatePortable(nuint sizeBytes, nuint alignBytes)
    {
        void* p = NativeMemory.AlignedAlloc(RoundUp(sizeBytes, alignBytes), alignBytes);
        NativeMemory.Clear(p, sizeBytes);
        return new PinnedBlock(p, sizeBytes, p, 0, HugePageKind.None);
    }

    private static bool TransparentHugePagesEnabled()
    {
        const string Setting = "/sys/kernel/mm/transparent_hugepage/enabled";
        return File.Exists(Setting) && !File.ReadAllText(Setting).Contains("[never]", StringComparison.Ordinal);
    }

    [DoesNotReturn]
    private static void ThrowSize(nuint sizeBytes)
        => throw new ArgumentOutOfRangeException(nameof(sizeBytes), sizeBytes, "A block needs at least one byte and at most a quarter of the address space.");

    [DoesNotReturn]
    private static void ThrowAlign(nuint alignBytes) => throw new ArgumentOutOfRangeException(nameof(alignBytes), alignBytes, "Alignment is a power of two.");
}
