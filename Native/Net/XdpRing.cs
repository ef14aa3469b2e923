using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>One ring of an AF_XDP socket in memory shared with the kernel (if_xdp.h): one side produces, the other consumes, neither waits.</summary>
internal unsafe struct XdpRing
{
    private const uint NeedWakeup = 1;

    private readonly uint* _producer;
    private readonly uint* _consumer;
    private readonly uint* _flags;
    private readonly byte* _entries;
    private readonly uint _mask;
    private readonly byte* _mapping;
    private readonly nuint _mappedBytes;

    /// <summary>Our own index, ahead of what the other side has been told.</summary>
    private uint _own;

    public XdpRing(int fd, long pageOffset, ulong* offsets, uint count, int entryBytes)
    {
        _mappedBytes = (nuint)offsets[2] + (count * (nuint)entryBytes);
        const int sharedAndPopulated = 0x01 | 0x8000;
        void* p = Libc.Mmap(null, _mappedBytes, Libc.ProtRead | Libc.ProtWrite, sharedAndPopulated, fd, (nint)pageOffset);
        if (p == Libc.MapFailed) throw new IOException("AF_XDP: a ring cannot be mapped");
        _mapping = (byte*)p;
        _producer = (uint*)(_mapping + offsets[0]);
        _consumer = (uint*)(_mapping + offsets[1]);
        _entries = _mapping + offsets[2];
        _flags = (uint*)(_mapping + offsets[3]);
        _mask = count - 1;
    }

    /// <summary>The kernel does nothing before it is called.</summary>
    public readonly bool NeedsWakeup => (Volatile.Read(ref *_flags) & NeedWakeup) != 0;

    /// <summary>Producer: entries that may be written.</summary>
    public readonly uint Free => _mask + 1 - (_own - Volatile.Read(ref *_consumer));

    /// <summary>Consumer: entries that may be read.</summary>
    public readonly uint Filled => Volatile.Read(ref *_producer) - _own;

    /// <summary>Producer: something is still with the kernel.</summary>
    public readonly bool IsPending => Volatile.Read(ref *_consumer) != _own;

    /// <summary>The entry at an index from our own on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly byte* At(uint ahead, int entryBytes) => _entries + ((nuint)((_own + ahead) & _mask) * (nuint)entryBytes);

    /// <summary>Producer: so many more have been written, and may be seen.</summary>
    public void Produce(uint count) => Volatile.Write(ref *_producer, _own += count);

    /// <summary>Consumer: so many have been read, and may be used again.</summary>
    public void Consume(uint count) => Volatile.Write(ref *_consumer, _own += count);

    public readonly void Unmap()
    {
        if (_mapping != null) _ = Libc.Munmap(_mapping, _mappedBytes);
    }
}
