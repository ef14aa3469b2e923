using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Packets;

/// <summary>
/// Fixed-size packet slots in memory that never moves (DPDK <c>rte_mempool</c> of mbufs). Owned by one thread.
/// </summary>
/// <remarks>
/// <code>
/// slot:  descriptor and key [0..383] | headroom 128 | frame (capacity) | readable tailroom 64 | pad to an odd number of cache lines
/// </code>
/// The stride is an odd number of 64-byte lines: descriptors then spread over every set of the L1 cache, where a power of two
/// would put all of them in a few sets. A pool for ports that bring super-frames has some large slots besides, in memory of their own: <c>PacketPool.Large.cs</c>.
/// </remarks>
public sealed unsafe partial class PacketPool : IDisposable
{
    /// <summary>Bytes in front of a freshly loaded frame, for tags and tunnel headers.</summary>
    public const int HeadroomSizeBytes = 128;

    private const int LineSizeBytes = 64;
    private const int FrameOffset = Packet.HeaderSizeBytes + HeadroomSizeBytes;

    private readonly PinnedBlock? _slotBlock;
    private readonly GuardedSlots? _guarded;
    private readonly PinnedBlock _freeBlock;
    private readonly byte* _slots;
    private readonly Packet** _free;
    private int _freeCount;
    private byte _poison;

    /// <summary>Allocates <paramref name="count"/> slots for frames of up to <paramref name="frameCapacityBytes"/> bytes.</summary>
    /// <param name="count">Slots.</param>
    /// <param name="frameCapacityBytes">Longest frame.</param>
    /// <param name="guarded">
    /// For tests: a loaded frame's readable tailroom ends where a page begins that cannot be touched, and holds other bytes each time.
    /// </param>
    /// <param name="largeCount">Slots besides for frames of up to <see cref="Packet.MaxLengthBytes"/>; 66 KB each, touched when they are used.</param>
    /// <exception cref="ArgumentOutOfRangeException">Count below 1, or capacity outside 64..<see cref="Packet.MaxLengthBytes"/>.</exception>
    public PacketPool(int count, int frameCapacityBytes, bool guarded = false, int largeCount = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(frameCapacityBytes, 64);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(frameCapacityBytes, Packet.MaxLengthBytes);
        Count = count;
        FrameCapacityBytes = frameCapacityBytes;
        int lines = (FrameOffset + frameCapacityBytes + Packet.ReadableTailroomBytes + LineSizeBytes - 1) / LineSizeBytes;
        if (guarded)
        {
            _guarded = new GuardedSlots(count, lines * LineSizeBytes);
            StrideBytes = _guarded.StrideBytes;
            _slots = _guarded.Start;
        }
        else
        {
            StrideBytes = (lines | 1) * LineSizeBytes;
            _slotBlock = PinnedMemory.Allocate((nuint)count * (nuint)StrideBytes, wantHugePages: true);
            _slots = _slotBlock.Pointer;
        }

        _freeBlock = PinnedMemory.Allocate((nuint)count * (nuint)sizeof(Packet*));
        _free = (Packet**)_freeBlock.Pointer;
        for (int i = 0; i < count; i++)
        {
            Slot(i)->Slot = i;
            _free[i] = Slot(count - 1 - i);
        }

        _freeCount = count;
        if (largeCount > 0) _large = new LargeSlots(count, largeCount);
    }

    /// <summary>Number of slots.</summary>
    public int Count { get; }

    /// <summary>Longest frame a slot takes, in bytes.</summary>
    public int FrameCapacityBytes { get; }

    /// <summary>Distance between slots in bytes.</summary>
    public int StrideBytes { get; }

    /// <summary>Takes a slot; its content is undefined until <see cref="Load"/>. Null if the pool is empty.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Packet* Rent()
    {
        if (_freeCount == 0) return null;
        return _free[--_freeCount];
    }

    /// <summary>Takes up to <paramref name="count"/> slots; returns how many there were.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int RentBulk(Packet** packets, int count)
    {
        int n = Math.Min(count, _freeCount);
        Packet** from = _free + _freeCount;
        for (int i = 0; i < n; i++) packets[i] = *--from;
        _freeCount -= n;
        return n;
    }

    /// <summary>Where the frame of a rented packet goes when it is received: behind the headroom.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* FrameOf(Packet* packet) => (byte*)packet + FrameOffset;

    /// <summary>Gives a slot back. Each rented packet is returned exactly once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Return(Packet* packet)
    {
        if (_freeCount == Count || Slot(packet->Slot) != packet) ReturnLarge(packet);
        else _free[_freeCount++] = packet;
    }

    /// <summary>Gives a small slot back that was rented for nothing. It is not looked at: where many are rented just in case, each look would be a line that the processor has to fetch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ReturnUnused(Packet* packet)
    {
        if (_freeCount == Count) ThrowForeign();
        _free[_freeCount++] = packet;
    }

    /// <summary>Puts a received frame into a rented slot and resets everything else about the packet.</summary>
    /// <param name="packet">A rented packet.</param>
    /// <param name="frame">The bytes from the Ethernet header on, without FCS.</param>
    /// <param name="inPort">Port number, host order.</param>
    /// <exception cref="ArgumentException">The frame is longer than <see cref="FrameCapacityBytes"/>.</exception>
    public void Load(Packet* packet, ReadOnlySpan<byte> frame, uint inPort)
    {
        if (frame.Length > FrameCapacityBytes) ThrowTooLong(frame.Length);
        byte* data = _guarded is null ? (byte*)packet + FrameOffset : AtGuard(packet, frame.Length);
        frame.CopyTo(new Span<byte>(data, frame.Length));
        Reset(packet, data, frame.Length, HeadroomSizeBytes, inPort);
    }

    /// <summary>Copies a packet of this pool: descriptor, key, frame. Null if the pool is empty.</summary>
    public Packet* Clone(Packet* packet)
    {
        Packet* copy = packet->Data - (byte*)packet + packet->LengthBytes <= FrameOffset + FrameCapacityBytes ? Rent() : RentFor(packet);
        if (copy == null) return null;
        int slot = copy->Slot;
        byte* data = (byte*)copy + (packet->Data - (byte*)packet);
        *(Vector512<byte>*)copy = *(Vector512<byte>*)packet;
        copy->Slot = slot;
        copy->Data = data;
        CopyKey(packet, copy);
        Unsafe.CopyBlockUnaligned(data, packet->Data, (uint)packet->LengthBytes);
        return copy;
    }

    /// <summary>Rents a slot as a bounds-checked reference, for code outside the packet path.</summary>
    /// <exception cref="InvalidOperationException">The pool is empty.</exception>
    public PacketRef RentRef(ReadOnlySpan<byte> frame, uint inPort)
    {
        Packet* packet = Rent();
        if (packet == null) ThrowEmpty();
        Load(packet, frame, inPort);
        return new PacketRef(packet);
    }

    /// <summary>Gives a slot back.</summary>
    public void Return(PacketRef packet) => Return(packet.Pointer);

    /// <inheritdoc/>
    public void Dispose()
    {
        _freeCount = 0;
        _slotBlock?.Dispose();
        _guarded?.Dispose();
        _large?.Dispose();
        _freeBlock.Dispose();
    }

    /// <summary>Describes <paramref name="lengthBytes"/> bytes at <paramref name="data"/> as a packet that was just received.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Reset(Packet* packet, byte* data, int lengthBytes, int headroomBytes, uint inPort)
    {
        // Two whole stores instead of fourteen narrow ones; Slot is the one field that stays.
        const ulong noOffsets = Packet.NoOffset | ((ulong)Packet.NoOffset << 16) | ((ulong)Packet.NoOffset << 32);
        ulong slot = (uint)packet->Slot;
        ((Vector256<ulong>*)packet)[0] = Vector256.Create((ulong)data, (uint)lengthBytes | (slot << 32), (ulong)FlowKey.HotLanes << 32, noOffsets);
        ((Vector256<ulong>*)packet)[1] = Vector256.Create((ulong)(ushort)headroomBytes << 16, 0UL, 0UL, 0UL);

        // Whole-lane stores: the parser loads the lane right behind, and a load cannot be forwarded from several narrow stores.
        uint port = Be32.FromHost(inPort).Raw;
        FlowKey.Lane(ref packet->Key, Lanes.Link) = Vector256.Create(0u, 0u, 0u, 0u, port, 0u, 0u, 0u).AsByte();
        FlowKey.Lane(ref packet->Key, Lanes.Network) = Vector256<byte>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyKey(Packet* from, Packet* to)
    {
        FlowKey.Lane(ref to->Key, Lanes.Link) = FlowKey.Lane(ref from->Key, Lanes.Link);
        FlowKey.Lane(ref to->Key, Lanes.Network) = FlowKey.Lane(ref from->Key, Lanes.Network);
        for (uint rest = from->KeyLanes & ~FlowKey.HotLanes; rest != 0; rest &= rest - 1)
        {
            int lane = System.Numerics.BitOperations.TrailingZeroCount(rest);
            FlowKey.Lane(ref to->Key, lane) = FlowKey.Lane(ref from->Key, lane);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Packet* Slot(int index) => (Packet*)(_slots + ((nuint)(uint)index * (nuint)(uint)StrideBytes));

    /// <summary>Where a frame goes so that its tailroom ends at the guard; the tailroom is filled with what nobody may depend on.</summary>
    private byte* AtGuard(Packet* packet, int lengthBytes)
    {
        byte* end = (byte*)packet + _guarded!.SlotSizeBytes;
        new Span<byte>(end - Packet.ReadableTailroomBytes, Packet.ReadableTailroomBytes).Fill(_poison += 0x53);
        return end - Packet.ReadableTailroomBytes - lengthBytes;
    }

    [DoesNotReturn]
    private void ThrowTooLong(int lengthBytes)
        => throw new ArgumentException($"frame of {lengthBytes} bytes does not fit a slot of {FrameCapacityBytes} bytes");

    [DoesNotReturn]
    private static void ThrowForeign() => throw new InvalidOperationException("packet is not rented from this pool");

    [DoesNotReturn]
    private static void ThrowEmpty() => throw new InvalidOperationException("packet pool is empty");
}
