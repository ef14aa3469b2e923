using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Engine;

/// <summary>
/// Fragments on hold until their datagram is complete (the lists of OVS lib/ipf.c). Fixed memory, no allocation after construction.
/// </summary>
internal sealed unsafe class CtFragments : IDisposable
{
    /// <summary>How long a datagram may take to arrive.</summary>
    public const int TimeoutMs = 15000;

    /// <summary>After this much more it is let go even if no packet passes conntrack any more.</summary>
    public const int PurgeMs = 10000;

    /// <summary>Room for a reassembled datagram: link headers and 64 KiB.</summary>
    public const int BufferBytes = 128 * 1024;

    private const int ChainCount = 1024;

    private readonly int _max;
    private readonly CtFragment* _fragments;
    private readonly CtDatagram* _datagrams;
    private readonly int* _chains;
    private readonly ConnHash _hash;
    private readonly GuardedSlots? _guarded;
    private int _freeFragment;
    private int _freeDatagram;
    private int _oldest = -1;
    private int _newest = -1;
    private bool _disposed;

    public CtFragments(ConntrackOptions options, ulong seed)
    {
        _max = Math.Max(0, options.MaxFragments);
        _hash = new ConnHash(~seed);
        _fragments = (CtFragment*)NativeMemory.AllocZeroed((nuint)_max + 1, (nuint)sizeof(CtFragment));
        _datagrams = (CtDatagram*)NativeMemory.AllocZeroed((nuint)_max + 1, (nuint)sizeof(CtDatagram));
        _chains = (int*)NativeMemory.Alloc(ChainCount, sizeof(int));
        const int size = Packet.HeaderSizeBytes + BufferBytes;
        if (options.GuardPages) _guarded = new GuardedSlots(1, size);
        Buffer = _guarded is null ? (byte*)NativeMemory.AlignedAlloc(size, 64) : _guarded.Start;
        BufferEnd = Buffer + (_guarded is null ? size : _guarded.SlotSizeBytes);
        new Span<int>(_chains, ChainCount).Fill(-1);
        new Span<byte>(Buffer, Packet.HeaderSizeBytes).Clear();
        for (int i = 0; i <= _max; i++)
        {
            _fragments[i].Next = i < _max ? i + 1 : -1;
            _datagrams[i].ChainNext = i < _max ? i + 1 : -1;
        }
    }

    /// <summary>Where a complete datagram is put together: a descriptor, then bytes.</summary>
    public byte* Buffer { get; }

    /// <summary>Where the buffer ends; a datagram ends <see cref="Packet.ReadableTailroomBytes"/> before it.</summary>
    public byte* BufferEnd { get; }

    /// <summary>Fragments on hold.</summary>
    public int Count { get; private set; }

    /// <summary>No more are taken.</summary>
    public bool IsFull => Count >= _max;

    /// <summary>The datagram that expires first, -1 = none.</summary>
    public int Oldest => _oldest;

    public CtDatagram* Datagram(int index) => _datagrams + index;

    public CtFragment* Fragment(int index) => _fragments + index;

    public int Find(in CtFragmentKey key)
    {
        for (int i = _chains[ChainOf(key)]; i >= 0; i = _datagrams[i].ChainNext)
        {
            if (CtFragmentKey.Same(_datagrams[i].Key, key)) return i;
        }
        return -1;
    }

    /// <summary>Begins a datagram.</summary>
    public int Add(in CtFragmentKey key, long nowMs)
    {
        int index = _freeDatagram;
        CtDatagram* d = _datagrams + index;
        _freeDatagram = d->ChainNext;
        *d = default;
        d->Key = key;
        d->ExpiryMs = nowMs + TimeoutMs;
        d->FirstFragment = -1;
        int chain = ChainOf(key);
        d->ChainNext = _chains[chain];
        _chains[chain] = index;
        d->Older = _newest;
        d->Newer = -1;
        if (_newest >= 0) _datagrams[_newest].Newer = index;
        else _oldest = index;
        _newest = index;
        return index;
    }

    /// <summary>Part of a fragment that is already there? A fragment that swallows another whole is not noticed, as in OVS.</summary>
    public bool Overlaps(int datagram, ushort start, ushort end)
    {
        for (int i = _datagrams[datagram].FirstFragment; i >= 0; i = _fragments[i].Next)
        {
            CtFragment* f = _fragments + i;
            if ((start >= f->Start && start <= f->End) || (end >= f->Start && end <= f->End)) return true;
        }
        return false;
    }

    /// <summary>Takes a fragment into its datagram, in order of position.</summary>
    public void Hold(int datagram, Packet* packet, byte* data, ushort start, ushort end)
    {
        int index = _freeFragment;
        CtFragment* f = _fragments + index;
        _freeFragment = f->Next;
        f->Packet = packet;
        f->Data = data;
        f->Start = start;
        f->End = end;
        CtDatagram* d = _datagrams + datagram;
        f->Arrival = d->FragmentCount;
        int* link = &d->FirstFragment;
        while (*link >= 0 && _fragments[*link].Start <= start) link = &_fragments[*link].Next;
        f->Next = *link;
        *link = index;
        d->FragmentCount++;
        Count++;
    }

    /// <summary>True if nothing is missing between the fragments.</summary>
    public bool IsContiguous(int datagram)
    {
        int i = _datagrams[datagram].FirstFragment;
        for (int next = _fragments[i].Next; next >= 0; i = next, next = _fragments[i].Next)
        {
            if (_fragments[i].End + 1 != _fragments[next].Start) return false;
        }
        return true;
    }

    /// <summary>Forgets a datagram and its fragments; whose packets they are is the caller's business.</summary>
    public void Remove(int datagram)
    {
        CtDatagram* d = _datagrams + datagram;
        for (int i = d->FirstFragment; i >= 0;)
        {
            int next = _fragments[i].Next;
            _fragments[i].Next = _freeFragment;
            _freeFragment = i;
            Count--;
            i = next;
        }
        int* link = &_chains[ChainOf(d->Key)];
        while (*link != datagram) link = &_datagrams[*link].ChainNext;
        *link = d->ChainNext;
        if (d->Older >= 0) _datagrams[d->Older].Newer = d->Newer;
        else _oldest = d->Newer;
        if (d->Newer >= 0) _datagrams[d->Newer].Older = d->Older;
        else _newest = d->Older;
        d->ChainNext = _freeDatagram;
        _freeDatagram = datagram;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        NativeMemory.Free(_fragments);
        NativeMemory.Free(_datagrams);
        NativeMemory.Free(_chains);
        if (_guarded is null) NativeMemory.AlignedFree(Buffer);
        else _guarded.Dispose();
    }

    private int ChainOf(in CtFragmentKey key)
        => (int)(_hash.Mix(((ulong)_hash.OfAddress(key.Src) << 32) | _hash.OfAddress(key.Dst), ((ulong)key.IpId << 32) ^ key.Zone ^ ((ulong)key.Proto << 16)) % ChainCount);
}
