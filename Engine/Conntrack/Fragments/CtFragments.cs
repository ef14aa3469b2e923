using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>
/// Fragments on hold until their datagram is complete (the lists of OVS lib/ipf.c). Fixed memory, no allocation after construction.
/// </summary>
/// <remarks>
/// Where OVS takes no more fragments when there are <see cref="ConntrackOptions.MaxFragments"/>, room is made here (RFC 8900 3.7 names the attack): a source
/// that holds its share loses its own oldest datagram, and when all is full the oldest of all goes. Sources are counted in rows by a keyed hash of
/// the address, of IPv6 its first 64 bits.
/// </remarks>
internal sealed unsafe class CtFragments : IDisposable
{
    /// <summary>How long a datagram may take to arrive.</summary>
    public const int TimeoutMs = 15000;

    /// <summary>After this much more it is let go even if no packet passes conntrack any more.</summary>
    public const int PurgeMs = 10000;

    /// <summary>Room for a reassembled datagram: link headers and 64 KiB.</summary>
    public const int BufferBytes = 128 * 1024;

    /// <summary>Last position that a byte of a datagram can have.</summary>
    public const int MaxPosition = ushort.MaxValue;

    private const int ChainCount = 1024;
    private const int SourceCount = 1024;

    /// <summary>A source may hold one datagram of 64 KiB in pieces of 1 KiB, and where there is much room an eighth of it.</summary>
    private const int LeastShare = 64;
    private const int ShareOf = 8;

    /// <summary>Fragments that there is room for.</summary>
    private readonly int _capacity;

    private int _max;
    private int _share;
    private readonly CtSource* _sources;
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
        int max = Math.Max(0, options.MaxFragments);
        _capacity = Math.Max(max, options.FragmentCapacity);
        Max = max;
        _hash = new ConnHash(~seed);
        _fragments = (CtFragment*)NativeMemory.AllocZeroed((nuint)_capacity + 1, (nuint)sizeof(CtFragment));
        _datagrams = (CtDatagram*)NativeMemory.AllocZeroed((nuint)_capacity + 1, (nuint)sizeof(CtDatagram));
        _chains = (int*)NativeMemory.Alloc(ChainCount, sizeof(int));
        _sources = (CtSource*)NativeMemory.Alloc(SourceCount, (nuint)sizeof(CtSource));
        new Span<CtSource>(_sources, SourceCount).Fill(new CtSource { Oldest = -1, Newest = -1 });
        const int size = Packet.HeaderSizeBytes + BufferBytes;
        if (options.GuardPages) _guarded = new GuardedSlots(1, size);
        Buffer = _guarded is null ? (byte*)NativeMemory.AlignedAlloc(size, 64) : _guarded.Start;
        BufferEnd = Buffer + (_guarded is null ? size : _guarded.SlotSizeBytes);
        new Span<int>(_chains, ChainCount).Fill(-1);
        new Span<byte>(Buffer, Packet.HeaderSizeBytes).Clear();
        for (int i = 0; i <= _capacity; i++)
        {
            _fragments[i].Next = i < _capacity ? i + 1 : -1;
            _datagrams[i].ChainNext = i < _capacity ? i + 1 : -1;
        }
    }

    /// <summary>Where a complete datagram is put together: a descriptor, then bytes.</summary>
    public byte* Buffer { get; }

    /// <summary>Where the buffer ends; a datagram ends <see cref="Packet.ReadableTailroomBytes"/> before it.</summary>
    public byte* BufferEnd { get; }

    /// <summary>Most fragments on hold, within what there is room for.</summary>
    public int Max
    {
        get => _max;
        set => (_max, _share) = (Math.Clamp(value, 0, _capacity), Math.Min(Math.Clamp(value, 0, _capacity), Math.Max(LeastShare, Math.Min(value, _capacity) / ShareOf)));
    }

    /// <summary>Fragments on hold.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// Is there no room for a fragment of this datagram? Then <paramref name="victim"/> is the datagram that has to go for it; -1 = none can, the
    /// fragment is not taken.
    /// </summary>
    /// <param name="key">Datagram of the fragment.</param>
    /// <param name="datagram">The same if it is there, else -1; it does not go for its own fragment.</param>
    /// <param name="victim">See above.</param>
    public bool IsFull(in CtFragmentKey key, int datagram, out int victim)
    {
        CtSource* source = _sources + SourceOf(key);
        victim = -1;
        if (source->FragmentCount >= _share)
        {
            for (victim = source->Oldest; victim >= 0 && !MayGo(victim, datagram);) victim = _datagrams[victim].SourceNewer;
            return true;
        }
        if (Count < _max) return false;
        for (victim = _oldest; victim >= 0 && !MayGo(victim, datagram);) victim = _datagrams[victim].Newer;
        return true;
    }

    private bool MayGo(int victim, int datagram) => victim != datagram && !_datagrams[victim].Complete;

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
        int chain = ChainOf(key);
        int row = SourceOf(key);
        CtSource* source = _sources + row;

        // In one store (docs/adr/0007): of two the first may be lost.
        *d = new CtDatagram
        {
            Key = key,
            ExpiryMs = nowMs + TimeoutMs,
            FirstFragment = -1,
            ChainNext = _chains[chain],
            Older = _newest,
            Newer = -1,
            Source = row,
            SourceOlder = source->Newest,
            SourceNewer = -1,
        };
        _chains[chain] = index;
        if (_newest >= 0) _datagrams[_newest].Newer = index;
        else _oldest = index;
        _newest = index;
        if (source->Newest >= 0) _datagrams[source->Newest].SourceNewer = index;
        else source->Oldest = index;
        source->Newest = index;
        return index;
    }

    /// <summary>Part of a fragment that is already there? A fragment that swallows another whole is not noticed, as in OVS.</summary>
    public bool Overlaps(int datagram, int start, int end)
    {
        for (int i = _datagrams[datagram].FirstFragment; i >= 0; i = _fragments[i].Next)
        {
            CtFragment* f = _fragments + i;
            if ((start >= f->Start && start <= f->End) || (end >= f->Start && end <= f->End)) return true;
        }
        return false;
    }

    /// <summary>Takes a fragment into its datagram, in order of position.</summary>
    public void Hold(int datagram, Packet* packet, byte* data, int start, int end)
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
        _sources[d->Source].FragmentCount++;
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
        CtSource* source = _sources + d->Source;
        source->FragmentCount -= d->FragmentCount;
        if (d->SourceOlder >= 0) _datagrams[d->SourceOlder].SourceNewer = d->SourceNewer;
        else source->Oldest = d->SourceNewer;
        if (d->SourceNewer >= 0) _datagrams[d->SourceNewer].SourceOlder = d->SourceOlder;
        else source->Newest = d->SourceOlder;
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
        NativeMemory.Free(_sources);
        if (_guarded is null) NativeMemory.AlignedFree(Buffer);
        else _guarded.Dispose();
    }

    /// <summary>Row of a source: its IPv4 address or the network part of its IPv6 address.</summary>
    private int SourceOf(in CtFragmentKey key)
    {
        Ipv6Address src = key.Src;
        ulong network = Unsafe.As<Ipv6Address, ulong>(ref src);
        return (int)(_hash.Mix(network, key.IsIpv6 ? 1UL : 0) % SourceCount);
    }

    private int ChainOf(in CtFragmentKey key)
        => (int)(_hash.Mix(((ulong)_hash.OfAddress(key.Src) << 32) | _hash.OfAddress(key.Dst), ((ulong)key.IpId << 32) ^ key.Zone ^ ((ulong)key.Proto << 16)) % ChainCount);
}
