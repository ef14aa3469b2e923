using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// Frames that one packet thread of another datapath hands over, each behind its virtio header: a ring with one writer and one reader. Frames have any length, so they lie in <see cref="_bytes"/> one behind the other.
/// </summary>
/// <remarks>
/// Protocol. 1. The writer has room if what it has written, with the record, is no more than the ring's length beyond what the reader has taken (acquire). 2. A record that would cross the end is preceded by a gap up to
/// there. 3. It writes the record, and raises its own count over both (release). 4. It sets the latch. 5. The reader sees the count (acquire), passes over gaps and copies records. 6. It raises its own count (release). Both
/// count bytes and never turn back.
/// </remarks>
public sealed unsafe partial class PatchRxQueue : RxQueue
{
    private const int Line = 8;
    private const int DefaultCapacityBytes = 4 << 20;
    private const int HeadBytes = 16;

    /// <summary>In the place of a length: nothing up to the end of the ring.</summary>
    private const int Gap = -1;

    private readonly uint _port;
    private readonly int _capacityBytes;
    private readonly byte[] _bytes;
    private readonly long[] _counts = GC.AllocateArray<long>(4 * Line, pinned: true);

    /// <summary>An empty ring.</summary>
    /// <param name="port">OpenFlow number of the port by which its frames come.</param>
    /// <param name="capacityBytes">Room for frames, a multiple of 16.</param>
    public PatchRxQueue(uint port, int capacityBytes = DefaultCapacityBytes)
    {
        (_port, _capacityBytes) = (port, capacityBytes);
        _bytes = GC.AllocateArray<byte>(capacityBytes, pinned: true);
    }

    /// <summary>What has come out.</summary>
    public PortCounters Counters { get; } = new();

    /// <summary>Nothing waits to be read. Any thread.</summary>
    public bool IsEmpty => Volatile.Read(ref Taken) == Volatile.Read(ref Written);

    private ref long Written => ref _counts[Line];

    private ref long Taken => ref _counts[3 * Line];

    /// <summary>The writer's own count: what it has published may not have been seen yet.</summary>
    private ref long OwnWritten => ref _counts[Line + 1];

    /// <summary>The reader's own.</summary>
    private ref long OwnTaken => ref _counts[(3 * Line) + 1];

    /// <summary>Hands a frame over, by the writer; false = the ring is full.</summary>
    public bool TrySend(VirtioNetHeader* header, byte* frame, int lengthBytes)
    {
        if (!TryReserve(lengthBytes, out int at, out long written)) return false;
        Fill(at, header, frame, lengthBytes);
        Publish(written);
        return true;
    }

    /// <summary>Takes the oldest frame out as it is, by the reader; false = there is none.</summary>
    public bool TryTake(Span<byte> to, out int lengthBytes)
    {
        lengthBytes = 0;
        long taken = OwnTaken;
        Interleaving.Step("R1 written");
        if (taken == Volatile.Read(ref Written)) return false;
        byte* record = RecordAt(ref taken);
        lengthBytes = *(int*)record;
        new ReadOnlySpan<byte>(record + HeadBytes, lengthBytes).CopyTo(to);
        Release(taken + SizeOf(lengthBytes));
        return true;
    }

    /// <inheritdoc/>
    public override int Receive(PacketPool pool, Packet** batch, int max)
    {
        int count = 0;
        long taken = OwnTaken;
        Interleaving.Step("R1 written");
        long written = Volatile.Read(ref Written);
        while (count < max && taken < written)
        {
            byte* record = RecordAt(ref taken);
            int length = *(int*)record;
            Packet* packet = Take(pool, record, length);
            if (packet != null) batch[count++] = packet;
            taken += SizeOf(length);
        }

        Release(taken);
        return count;
    }

    /// <inheritdoc/>
    public override void BeforeSleep(PollSet set)
    {
        // Every frame sets the latch.
    }

    private static int SizeOf(int frameBytes) => (HeadBytes + frameBytes + 15) & ~15;

    private byte* At(long count) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_bytes)) + (int)(count % _capacityBytes);

    /// <summary>Steps 1 and 2.</summary>
    private bool TryReserve(int frameBytes, out int at, out long written)
    {
        written = OwnWritten;
        int size = SizeOf(frameBytes), left = _capacityBytes - (int)(written % _capacityBytes), gap = size > left ? left : 0;
        at = 0;
        Interleaving.Step("W1 taken");
        if (written + gap + size - Volatile.Read(ref Taken) > _capacityBytes) return false;
        if (gap > 0)
        {
            Interleaving.Step("W2 gap");
            *(int*)At(written) = Gap;
        }

        at = (int)((written + gap) % _capacityBytes);
        written += gap + size;
        return true;
    }

    private void Fill(int at, VirtioNetHeader* header, byte* frame, int lengthBytes)
    {
        Interleaving.Step("W3 record");
        byte* record = At(at);
        *(int*)record = lengthBytes;
        *(VirtioNetHeader*)(record + sizeof(int)) = *header;
        Buffer.MemoryCopy(frame, record + HeadBytes, lengthBytes, lengthBytes);
    }

    /// <summary>Steps 3 and 4.</summary>
    private void Publish(long written)
    {
        OwnWritten = written;
        Interleaving.Store(ref Written, written, "W4 written");
        Latch?.Set();
    }

    /// <summary>The record at a count, which a gap moves on.</summary>
    private byte* RecordAt(ref long taken)
    {
        Interleaving.Step("R2 record");
        byte* record = At(taken);
        if (*(int*)record != Gap) return record;
        taken += _capacityBytes - (taken % _capacityBytes);
        return At(taken);
    }

    /// <summary>Step 6.</summary>
    private void Release(long taken)
    {
        if (taken == OwnTaken) return;
        OwnTaken = taken;
        Interleaving.Store(ref Taken, taken, "R3 taken");
    }

    private Packet* Take(PacketPool pool, byte* record, int length)
    {
        Packet* packet = pool.RentFor(length);
        if (packet == null)
        {
            Counters.Drop(PortDrop.RxNoMemory);
            return null;
        }

        byte* frame = PacketPool.FrameOf(packet);
        Buffer.MemoryCopy(record + HeadBytes, frame, length, length);
        PacketPool.Reset(packet, frame, length, PacketPool.HeadroomSizeBytes, _port);
        if (!VnetFrames.TryApply(packet, (VirtioNetHeader*)(record + sizeof(int)), 0))
        {
            Counters.Drop(PortDrop.RxInvalid);
            pool.Return(packet);
            return null;
        }

        if (IsOverRate(length))
        {
            Counters.Drop(PortDrop.RxPoliced);
            pool.Return(packet);
            return null;
        }

        Counters.Count(length, packet->GsoSizeBytes != 0);
        return packet;
    }
}
