using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Native;

namespace Mergeflow.Engine.Packets;

/// <content>Owns the large slots: few, for super-frames and what else does not fit the others.</content>
public sealed unsafe partial class PacketPool
{
    private readonly LargeSlots? _large;

    /// <summary>Large slots.</summary>
    public int LargeCount => _large?.Count ?? 0;

    /// <summary>Large slots that are rented out.</summary>
    public int LargeInUse => _large is null ? 0 : _large.Count - _large.FreeCount;

    /// <summary>Slots that are rented out, but the large ones.</summary>
    public int InUse => Count - _freeCount;

    /// <summary>Takes up to <paramref name="count"/> large slots; returns how many there were.</summary>
    public int RentLarge(Packet** packets, int count)
    {
        int n = Math.Min(count, _large?.FreeCount ?? 0);
        for (int i = 0; i < n; i++) packets[i] = _large!.Rent();
        return n;
    }

    /// <summary>As <see cref="ReturnUnused"/>, for a large slot.</summary>
    internal void ReturnUnusedLarge(Packet* packet) => _large!.ReturnUnused(packet);

    /// <summary>A slot for a received frame of that length; null if none is left.</summary>
    public Packet* RentFor(int lengthBytes)
        => lengthBytes <= FrameCapacityBytes ? Rent() : lengthBytes <= Packet.MaxLengthBytes && _large is { FreeCount: > 0 } ? _large.Rent() : null;

    /// <summary>One of the frames of a super-frame as a packet of its own, with the metadata of the whole; null if the pool is empty.</summary>
    public Packet* RentFrameOf(Packet* packet, int index)
    {
        int room = SuperFrame.WireLengthBytes(packet) + (int)(packet->Data - (byte*)packet);
        Packet* frame = room <= FrameOffset + FrameCapacityBytes ? Rent() : _large is { FreeCount: > 0 } ? _large.Rent() : null;
        if (frame == null) return null;
        int slot = frame->Slot;
        *(Vector512<byte>*)frame = *(Vector512<byte>*)packet;
        frame->Slot = slot;
        frame->Data = (byte*)frame + (packet->Data - (byte*)packet);
        CopyKey(packet, frame);
        frame->LengthBytes = SuperFrame.Write(packet, index, frame->Data);
        frame->GsoSizeBytes = 0;
        frame->GsoType = 0;
        frame->Flags &= ~PacketFlags.CsumPartial;
        return frame;
    }

    /// <summary>A slot that holds what does not fit a small one; null if none is left. (Guarded small slots are as long as their place: a copy fits where its original did.)</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Packet* RentFor(Packet* packet)
    {
        bool isSmall = (uint)packet->Slot < (uint)Count;
        if (isSmall) return Rent();
        return _large is { FreeCount: > 0 } ? _large.Rent() : null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReturnLarge(Packet* packet)
    {
        if (_large is null || !_large.TryReturn(packet)) ThrowForeign();
    }

    /// <summary>The slots themselves. Their numbers go on behind those of the small ones.</summary>
    private sealed class LargeSlots : IDisposable
    {
        private const int StrideBytes = ((((FrameOffset + Packet.MaxLengthBytes + Packet.ReadableTailroomBytes + LineSizeBytes - 1) / LineSizeBytes) | 1) + 1) * LineSizeBytes;

        private readonly int _first;
        private readonly PinnedBlock _block;
        private readonly nint[] _free;

        public LargeSlots(int first, int count)
        {
            _first = first;
            Count = count;
            _block = PinnedMemory.Allocate((nuint)count * StrideBytes, wantHugePages: false);
            _free = new nint[count];
            for (int i = count - 1; i >= 0; i--)
            {
                SlotAt(i)->Slot = first + i;
                _free[FreeCount++] = (nint)SlotAt(i);
            }
        }

        public int Count { get; }

        public int FreeCount { get; private set; }

        public Packet* Rent() => (Packet*)_free[--FreeCount];

        public void ReturnUnused(Packet* packet) => _free[FreeCount++] = (nint)packet;

        public bool TryReturn(Packet* packet)
        {
            uint index = (uint)(packet->Slot - _first);
            if (index >= (uint)Count || SlotAt((int)index) != packet || FreeCount == Count) return false;
            _free[FreeCount++] = (nint)packet;
            return true;
        }

        public void Dispose()
        {
            FreeCount = 0;
            _block.Dispose();
        }

        private Packet* SlotAt(int index) => (Packet*)(_block.Pointer + ((nuint)(uint)index * StrideBytes));
    }
}
