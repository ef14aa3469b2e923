using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>A block from <see cref="PinnedMemory"/>. Disposing it unmaps the memory: nothing may point into it any more.</summary>
/// <remarks>
/// There is no finalizer on purpose. Raw pointers do not keep this object alive: the collector would unmap memory that is still in use.
/// A block that nobody disposes is a leak; the other way round it would be a fault.
/// </remarks>
public sealed unsafe partial class PinnedBlock : IDisposable
{
    private readonly nuint _mappedBytes;
    private void* _mapping;

    internal PinnedBlock(void* pointer, nuint sizeBytes, void* mapping, nuint mappedBytes, HugePageKind hugePages)
    {
        Pointer = (byte*)pointer;
        SizeBytes = sizeBytes;
        HugePages = hugePages;
        _mapping = mapping;
        _mappedBytes = mappedBytes;
    }

    /// <summary>First byte, aligned as asked for; null after <see cref="Dispose"/>.</summary>
    public byte* Pointer { get; private set; }

    /// <summary>Usable size.</summary>
    public nuint SizeBytes { get; }

    /// <summary>What backs the block.</summary>
    public HugePageKind HugePages { get; }

    /// <summary>Asks the system to put the block on transparent huge pages in its own time; without effect where there are none.</summary>
    public void PreferHugePages()
    {
        if (_mappedBytes == 0 || HugePages != HugePageKind.None || Pointer == null) return;
        nuint from = PinnedMemory.RoundUp((nuint)Pointer, PinnedMemory.HugePageSizeBytes);
        nuint to = ((nuint)Pointer + SizeBytes) & ~(PinnedMemory.HugePageSizeBytes - 1);
        if (from < to) _ = Libc.Madvise((void*)from, to - from, Libc.MadvHugePage);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        void* mapping = _mapping;
        _mapping = null;
        Pointer = null;
        if (mapping == null) return;
        if (_mappedBytes != 0) _ = Libc.Munmap(mapping, _mappedBytes);
        else NativeMemory.AlignedFree(mapping);
    }
}
