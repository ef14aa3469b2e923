using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames that one other thread of the process hands over (DPDK <c>net_ring</c>): a ring with one writer and one reader. An idle reader is woken.</summary>
/// <remarks>
/// Protocol. 1. The writer sees a free slot (acquire of the reader's count), fills it, and raises its own count (release). 2. It sets the latch. 3. The reader sees the count
/// (acquire), copies the frames, and raises its own (release).
/// </remarks>
public sealed unsafe class RingRxQueue : RxQueue, IDisposable
{
    private const int Line = 8;

    private readonly uint _port;
    private readonly int _frameBytes;
    private readonly int _slots;
    private readonly PinnedBlock _block;

    /// <summary>Counts of the writer and of the reader, on cache lines of their own.</summary>
    private readonly long[] _counts = new long[4 * Line];

    /// <summary>An empty ring.</summary>
    /// <param name="port">OpenFlow number of the port by which its frames come.</param>
    /// <param name="slots">Frames that it holds.</param>
    /// <param name="frameBytes">Longest frame.</param>
    public RingRxQueue(uint port, int slots = 1024, int frameBytes = 1536)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(slots, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(frameBytes, 1);
        (_port, _slots, _frameBytes) = (port, slots, (frameBytes + sizeof(int) + 63) & ~63);
        _block = PinnedMemory.Allocate((nuint)slots * (nuint)_frameBytes, 64);
    }

    /// <summary>Frames that wait.</summary>
    public int Count => (int)(Volatile.Read(ref Written) - Volatile.Read(ref Taken));

    private ref long Written => ref _counts[Line];

    private ref long Taken => ref _counts[3 * Line];

    /// <summary>Hands a frame over, by the writer; false = the ring is full.</summary>
    /// <exception cref="ArgumentException">The frame is longer than a slot.</exception>
    public bool TrySend(ReadOnlySpan<byte> frame)
    {
        if (frame.Length > _frameBytes - sizeof(int)) throw new ArgumentException($"a frame of {frame.Length} bytes in slots of {_frameBytes - sizeof(int)}", nameof(frame));
        long written = Written;
        if (written - Volatile.Read(ref Taken) == _slots) return false;
        byte* slot = SlotOf(written);
        *(int*)slot = frame.Length;
        frame.CopyTo(new Span<byte>(slot + sizeof(int), frame.Length));
        Volatile.Write(ref Written, written + 1);
        Latch?.Set();
        return true;
    }

    /// <inheritdoc/>
    public override int Receive(PacketPool pool, Packet** batch, int max)
    {
        long taken = Taken;
        int n = pool.RentBulk(batch, (int)Math.Min(max, Volatile.Read(ref Written) - taken));
        for (int i = 0; i < n; i++)
        {
            byte* slot = SlotOf(taken + i);
            pool.Load(batch[i], new ReadOnlySpan<byte>(slot + sizeof(int), *(int*)slot), _port);
        }

        if (n > 0) Volatile.Write(ref Taken, taken + n);
        return n;
    }

    /// <inheritdoc/>
    public override void BeforeSleep(PollSet set)
    {
        // Every frame sets the latch.
    }

    /// <inheritdoc/>
    public void Dispose() => _block.Dispose();

    private byte* SlotOf(long count) => _block.Pointer + ((nuint)(count % _slots) * (nuint)_frameBytes);
}
