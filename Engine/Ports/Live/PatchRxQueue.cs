using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// Frames that one packet thread of another datapath hands over, each behind its virtio header: a ring with one writer and one reader. The protocol is that of <see cref="RingRxQueue"/>, whose counts it uses; frames have any length, so
/// they lie in <see cref="_bytes"/> one behind the other, and the counts are bytes.
/// </summary>
/// <param name="port">OpenFlow number of the port by which its frames come.</param>
/// <param name="capacityBytes">Room for frames, a multiple of 16.</param>
internal sealed unsafe class PatchRxQueue(uint port, int capacityBytes = PatchRxQueue.DefaultCapacityBytes) : RxQueue
{
    private const int Line = 8;
    private const int DefaultCapacityBytes = 4 << 20;
    private const int HeadBytes = 16;

    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(capacityBytes, pinned: true);
    private readonly long[] _counts = new long[4 * Line];

    /// <summary>What has come out.</summary>
    public PortCounters Counters { get; } = new();

    /// <summary>Nothing waits to be read. Any thread.</summary>
    public bool IsEmpty => Volatile.Read(ref Taken) == Volatile.Read(ref Written);

    private ref long Written => ref _counts[Line];

    private ref long Taken => ref _counts[3 * Line];

    /// <summary>Hands a frame over, by the writer; false = the ring is full.</summary>
    public bool TrySend(VirtioNetHeader* header, byte* frame, int lengthBytes)
    {
        long written = Written;
        int needed = (HeadBytes + lengthBytes + 15) & ~15, at = (int)(written % capacityBytes), left = capacityBytes - at;
        bool wraps = needed > left;
        if (written + needed + (wraps ? left : 0) - Volatile.Read(ref Taken) > capacityBytes) return false;
        fixed (byte* bytes = _bytes)
        {
            if (wraps)
            {
                // What is left at the end is no frame.
                *(int*)(bytes + at) = -1;
                written += left;
                at = 0;
            }

            *(int*)(bytes + at) = lengthBytes;
            *(VirtioNetHeader*)(bytes + at + sizeof(int)) = *header;
            Buffer.MemoryCopy(frame, bytes + at + HeadBytes, lengthBytes, lengthBytes);
        }

        Volatile.Write(ref Written, written + needed);
        Latch?.Set();
        return true;
    }

    /// <summary>Takes the oldest frame out as it is, by the reader; false = there is none.</summary>
    public bool TryTake(Span<byte> to, out int lengthBytes)
    {
        long taken = Taken, written = Volatile.Read(ref Written);
        lengthBytes = 0;
        fixed (byte* bytes = _bytes)
        {
            int at = (int)(taken % capacityBytes);
            if (taken < written && *(int*)(bytes + at) < 0)
            {
                taken += capacityBytes - at;
                at = 0;
            }

            if (taken == written) return false;
            lengthBytes = *(int*)(bytes + at);
            new ReadOnlySpan<byte>(bytes + at + HeadBytes, lengthBytes).CopyTo(to);
            Volatile.Write(ref Taken, taken + ((HeadBytes + lengthBytes + 15) & ~15));
            return true;
        }
    }

    /// <inheritdoc/>
    public override int Receive(PacketPool pool, Packet** batch, int max)
    {
        int count = 0;
        fixed (byte* bytes = _bytes)
        {
            long taken = Taken, written = Volatile.Read(ref Written);
            while (count < max && taken < written)
            {
                int at = (int)(taken % capacityBytes), length = *(int*)(bytes + at);
                if (length < 0)
                {
                    taken += capacityBytes - at;
                    continue;
                }

                Packet* packet = Take(pool, bytes + at, length);
                if (packet != null) batch[count++] = packet;
                taken += (HeadBytes + length + 15) & ~15;
            }

            Volatile.Write(ref Taken, taken);
        }

        return count;
    }

    /// <inheritdoc/>
    public override void BeforeSleep(PollSet set)
    {
        // Every frame sets the latch.
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
        PacketPool.Reset(packet, frame, length, PacketPool.HeadroomSizeBytes, port);
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
