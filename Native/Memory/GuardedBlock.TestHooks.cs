namespace Mergeflow.Native;

/// <summary>
/// Memory for tests between two pages that cannot be touched: a read or a write past either end kills the process on the spot.
/// </summary>
/// <remarks>
/// <code>
/// | PROT_NONE page | data, rounded up to pages                | PROT_NONE page |
///                  ^ AtStart(n)                    AtEnd(n) ^ ends here
/// </code>
/// </remarks>
public sealed unsafe class GuardedBlock : IDisposable
{
    private readonly nuint _mappedBytes;
    private byte* _mapping;

    /// <summary>Maps a block.</summary>
    /// <param name="sizeBytes">Smallest capacity between the guards, at least 1.</param>
    /// <exception cref="PlatformNotSupportedException">Not on Linux.</exception>
    /// <exception cref="OutOfMemoryException">The system has no such memory left.</exception>
    public GuardedBlock(int sizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sizeBytes, 1);
        if (!OperatingSystem.IsLinux()) throw new PlatformNotSupportedException("Guard pages need mmap.");
        nuint pageBytes = PinnedMemory.PageSizeBytes;
        nuint dataBytes = PinnedMemory.RoundUp((nuint)sizeBytes, pageBytes);
        _mappedBytes = dataBytes + (2 * pageBytes);
        _mapping = (byte*)PinnedMemory.Map(_mappedBytes);
        if (_mapping == null) PinnedMemory.ThrowNoMemory(_mappedBytes);
        Start = _mapping + pageBytes;
        End = Start + dataBytes;
        if (Libc.Mprotect(_mapping, pageBytes, Libc.ProtNone) != 0 || Libc.Mprotect(End, pageBytes, Libc.ProtNone) != 0)
        {
            PinnedMemory.ThrowNoMemory(pageBytes);
        }
    }

    /// <summary>First usable byte; the byte in front of it faults.</summary>
    public byte* Start { get; private set; }

    /// <summary>One past the last usable byte; the byte there faults.</summary>
    public byte* End { get; private set; }

    /// <summary><see cref="Start"/> as a number.</summary>
    public nuint StartAddress => (nuint)Start;

    /// <summary><see cref="End"/> as a number.</summary>
    public nuint EndAddress => (nuint)End;

    /// <summary>Usable size, a multiple of the page size.</summary>
    public int CapacityBytes => (int)(End - Start);

    /// <summary>The first <paramref name="lengthBytes"/> bytes: reading in front of them faults.</summary>
    public Span<byte> AtStart(int lengthBytes) => new(Checked(Start, lengthBytes), lengthBytes);

    /// <summary>The last <paramref name="lengthBytes"/> bytes: reading behind them faults.</summary>
    public Span<byte> AtEnd(int lengthBytes) => new(Checked(End, lengthBytes) - lengthBytes, lengthBytes);

    /// <summary>Copies <paramref name="bytes"/> against the rear guard and returns the copy.</summary>
    public Span<byte> PlaceAtEnd(ReadOnlySpan<byte> bytes)
    {
        Span<byte> place = AtEnd(bytes.Length);
        bytes.CopyTo(place);
        return place;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        byte* mapping = _mapping;
        _mapping = null;
        Start = End = null;
        if (mapping != null) _ = Libc.Munmap(mapping, _mappedBytes);
    }

    private byte* Checked(byte* p, int lengthBytes)
    {
        ObjectDisposedException.ThrowIf(_mapping == null, this);
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthBytes, CapacityBytes);
        return p;
    }
}
