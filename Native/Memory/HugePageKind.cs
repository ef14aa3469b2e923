namespace Mergeflow.Native;

/// <summary>What backs a block of memory.</summary>
public enum HugePageKind
{
    /// <summary>Base pages (4 KiB on x86-64).</summary>
    None,

    /// <summary>The kernel was asked for, and supports, transparent huge pages (<c>madvise(MADV_HUGEPAGE)</c>); it may still use base pages.</summary>
    Transparent,

    /// <summary>Reserved 2 MiB pages (<c>mmap(MAP_HUGETLB)</c>).</summary>
    Explicit,
}
