using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Pmd;

/// <summary>
/// Packets on their way from one packet thread to control, with what the pipeline knew of them: copies, as the packet may go on. Who finds no room is counted and
/// gone, so a flood costs bounded memory and delays no packet.
/// </summary>
/// <remarks>
/// Protocol, one producer and one consumer. 1. The producer writes a record behind its tail if there is room before <c>head</c> (acquire). 2. It publishes with a release store of the new
/// tail. 3. The consumer reads the record at <c>head</c> behind an acquire load of tail. 4. It gives the room back with a release store of the new head. Both count bytes and never turn back; a record
/// does not cross the end of the buffer: one that would is preceded by a gap. Behind its batch the producer wakes a consumer that sleeps (<see cref="WakeLatch"/>), which has looked at <see cref="HasPackets"/>
/// after it said so. 5. When the consumer needs nothing any more that a record names, it stores its head as <c>handled</c> (release): see
/// <c>PacketInRounds</c>.
/// </remarks>
public sealed unsafe partial class PacketInRing : IDisposable
{
    /// <summary>A gap up to the end of the buffer.</summary>
    private const int Gap = -1;

    private readonly uint _mask;
    private byte* _buffer;
    private ulong _tail;
    private ulong _published;
    private ulong _head;
    private ulong _handled;
    private ulong _dropped;

    /// <summary>A ring of <paramref name="capacityBytes"/> bytes, a power of two.</summary>
    public PacketInRing(int capacityBytes)
    {
        if (!int.IsPow2(capacityBytes)) throw new ArgumentOutOfRangeException(nameof(capacityBytes));
        _mask = (uint)capacityBytes - 1;
        _buffer = (byte*)NativeMemory.AlignedAlloc((nuint)capacityBytes, 64);
    }

    /// <summary>Frees the buffer if nobody disposed it.</summary>
    ~PacketInRing() => NativeMemory.AlignedFree(_buffer);

    /// <summary>Packets that found no room.</summary>
    public ulong Dropped => Volatile.Read(ref _dropped);

    /// <summary>Wakes the consumer; null = it does not sleep. Any thread sets it.</summary>
    public WakeLatch? Latch
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>Some packet has not been taken. By any thread.</summary>
    public bool HasPackets
    {
        get
        {
            Interleaving.Step("Pa published");
            return Volatile.Read(ref _published) != Volatile.Read(ref _head);
        }
    }

    /// <summary>Wakes a consumer that sleeps beside packets; one that is awake costs a load. By the producer, behind a batch.</summary>
    public void WakeConsumer()
    {
        if (Latch is { IsAsleep: true } latch && HasPackets) latch.Set();
    }

    /// <summary>Bytes of all records so far; by any thread.</summary>
    public ulong PublishedBytes => Volatile.Read(ref _published);

    /// <summary>Those of them that the consumer is done with; by any thread.</summary>
    public ulong HandledBytes => Volatile.Read(ref _handled);

    /// <summary>The consumer is done with what it has taken: nobody needs what its records name.</summary>
    public void SetHandled()
    {
        Interleaving.Step("P9 handled");
        Volatile.Write(ref _handled, _head);
    }

    /// <summary>Steps 1 and 2.</summary>
    /// <param name="packet">Parsed; copied as it is now.</param>
    /// <param name="told">Why it goes to control.</param>
    public void Add(Packet* packet, in DpUserspace told)
    {
        if (!TryReserve(packet->LengthBytes, out uint at, out uint size)) return;
        Fill(at, size, packet, in told);
        Publish(size);
    }

    /// <summary>Steps 3 and 4: the oldest packet; false if there is none.</summary>
    public bool TryTake(out PacketInHeader header, out byte[] frame)
    {
        header = default;
        frame = [];
        if (!TryFind(out uint at)) return false;
        Read(at, out header, out frame);
        Release(header.SizeBytes);
        return true;
    }

    /// <summary>Where a record goes, if there is room: behind a gap if it would cross the end.</summary>
    private bool TryReserve(int frameBytes, out uint at, out uint size)
    {
        size = (uint)(sizeof(PacketInHeader) + frameBytes + 7) & ~7u;
        at = (uint)_tail & _mask;
        uint gap = at + size > _mask + 1 ? _mask + 1 - at : 0;
        Interleaving.Step("P1 head");
        if (_tail + gap + size - Volatile.Read(ref _head) > _mask + 1UL)
        {
            Volatile.Write(ref _dropped, _dropped + 1);
            return false;
        }

        if (gap == 0) return true;
        Interleaving.Step("P2 gap");
        ((PacketInHeader*)(_buffer + at))->SizeBytes = Gap;
        _tail += gap;
        at = 0;
        return true;
    }

    private void Fill(uint at, uint size, Packet* packet, in DpUserspace told)
    {
        Interleaving.Step("P3 record");
        var header = (PacketInHeader*)(_buffer + at);
        header->SizeBytes = (int)size;
        header->FrameBytes = packet->LengthBytes;
        header->EventIndex = packet->EventIndex;
        header->Told = told;
        CopyKey(packet, ref header->Key);
        Unsafe.CopyBlockUnaligned(_buffer + at + sizeof(PacketInHeader), packet->Data, (uint)packet->LengthBytes);
    }

    private void Publish(uint size)
    {
        Interleaving.Step("P4 tail");
        _tail += size;
        Volatile.Write(ref _published, _tail);
    }

    private bool TryFind(out uint at)
    {
        at = 0;
        Interleaving.Step("P5 tail");
        if (Volatile.Read(ref _published) == _head) return false;
        Interleaving.Step("P6 gap");
        at = (uint)_head & _mask;
        if (((PacketInHeader*)(_buffer + at))->SizeBytes != Gap) return true;
        Volatile.Write(ref _head, _head + _mask + 1 - at);
        at = 0;
        return true;
    }

    private void Read(uint at, out PacketInHeader header, out byte[] frame)
    {
        Interleaving.Step("P7 record");
        header = *(PacketInHeader*)(_buffer + at);
        frame = new ReadOnlySpan<byte>(_buffer + at + sizeof(PacketInHeader), header.FrameBytes).ToArray();
    }

    private void Release(int sizeBytes)
    {
        Interleaving.Step("P8 head");
        Volatile.Write(ref _head, _head + (uint)sizeBytes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_buffer);
        _buffer = null;
        GC.SuppressFinalize(this);
    }

    private static void CopyKey(Packet* packet, ref FlowKey key)
    {
        key = default;
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            if ((packet->KeyLanes >> i & 1) != 0) FlowKey.Lane(ref key, i) = FlowKey.Lane(ref packet->Key, i);
        }
    }
}

/// <summary>What stands in front of a frame in a <see cref="PacketInRing"/>.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PacketInHeader
{
    /// <summary>Of the whole record.</summary>
    public int SizeBytes;
    public int FrameBytes;

    /// <summary>See <see cref="Packet.EventIndex"/>.</summary>
    public long EventIndex;

    /// <summary>Why control gets it.</summary>
    public DpUserspace Told;

    /// <summary>The packet's key, absent lanes zero.</summary>
    public FlowKey Key;
}
