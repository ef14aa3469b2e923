namespace Mergeflow.Native;

/// <summary>
/// Memory for tests: equal slots, each with a page behind it that cannot be touched, so that a read past a slot's end kills the process.
/// </summary>
/// <remarks>
/// <code>
/// | slot 0, whole pages | PROT_NONE page | slot 1 | PROT_NONE page | ...
/// </code>
/// </remarks>
public sealed unsafe class GuardedSlots : IDisposable
{
    private readonly nuint _mappedBytes;
    private byte* _mapping;

    /// <summary>Maps <paramref name="count"/> slots of at least <paramref name="sizeBytes"/> bytes.</summary>
    /// <exception cref="PlatformNotSupportedException">Not on Linux.</exception>
    /// <exception cref="OutOfMemoryException">The system has no such memory left, or no more mappings for this process.</exception>
    public GuardedSlots(int count, int sizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(sizeBytes, 1);
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException("Guard pages need mmap.");
        nuint pageBytes = PinnedMemory.PageSizeBytes;
        SlotSizeBytes = (int)PinnedMemory.RoundUp((nuint)sizeBytes, pageBytes);
        StrideBytes = SlotSizeBytes + (int)pageBytes;
        _mappedBytes = (nuint)count * (nuint)StrideBytes;
        _mapping = (byte*)PinnedMemory.Map(_mappedBytes);
        if (_mapping == null) PinnedMemory.ThrowNoMemory(_mappedBytes);
        for (int i = 0; i < count; i++)
        {
            if (Libc.Mprotect(_mapping + ((nuint)i * (nuint)StrideBytes) + SlotSizeBytes, pageBytes, Libc.ProtNone) != 0) PinnedMemory.ThrowNoMemory(pageBytes);
        }
    }

    /// <summary>First byte of slot 0.</summary>
    public byte* Start => _mapping;

    /// <summary>Usable bytes of a slot; the next one faults.</summary>
    public int SlotSizeBytes { get; }

    /// <summary>Distance between slots in bytes.</summary>
    public int StrideBytes { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        byte* mapping = _mapping;
        _mapping = null;
        if (mapping != null) _ = Libc.Munmap(mapping, _mappedBytes);
    }
}
