using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames from a descriptor of the kernel, each with its virtio header: super-frames and unfinished checksums come in as they are.</summary>
/// <remarks>
/// A frame is read into a small slot, what does not fit it into a large one that lies ready, behind the place for the rest: of a longer frame only as much is moved as a small slot holds (as Open vSwitch does with its
/// <c>aux_bufs</c>). Without a large slot it is lost and counted.
/// </remarks>
internal abstract unsafe class KernelRxQueue : RxQueue, IDisposable
{
    private const int MacsBytes = 12, TagBytes = 4, EthernetHeaderBytes = 14;

    private readonly uint _inPort;
    private readonly int _fewest;
    private readonly Packet** _large = (Packet**)NativeMemory.AlignedAlloc(MessageBatch.MaxCount * (nuint)sizeof(Packet*), 64);
    private bool _disposed;

    /// <summary>
    /// Frames that are asked for at once: twice as many as there were the last time. Room for a frame is memory that the processor has to fetch, which whoever waits for a single packet would wait for too.
    /// </summary>
    private int _most;

    /// <param name="inPort">Port that packets come in by.</param>
    /// <param name="fewest">Frames that are asked for where they come one by one: 1 where each is a system call of its own.</param>
    protected KernelRxQueue(uint inPort, int fewest) => (_inPort, _fewest, _most) = (inPort, fewest, fewest);

    /// <summary>What it has received and lost.</summary>
    public PortCounters Counters { get; } = new();

    /// <summary>The device is gone: there will be no frame, and nobody waits for one.</summary>
    public bool IsGone { get; protected set; }

    /// <summary>Where frames come in.</summary>
    protected MessageBatch Batch { get; } = new();

    /// <summary>To be waited for.</summary>
    protected abstract int Descriptor { get; }

    /// <inheritdoc/>
    public override int Receive(PacketPool pool, Packet** batch, int max)
    {
        if (IsGone) return 0;
        int offered = pool.RentBulk(batch, Math.Min(max, _most));
        int large = pool.RentLarge(_large, offered);
        for (int i = 0; i < offered; i++) Offer(pool, batch[i], i, i < large);
        int received = offered == 0 ? 0 : ReceiveFrames(offered);
        int count = 0;
        for (int i = 0; i < received; i++)
        {
            Packet* p = Take(pool, batch[i], i, i < large);
            if (p != null) batch[count++] = p;
        }

        for (int i = offered - 1; i >= received; i--) pool.ReturnUnused(batch[i]);
        for (int i = large - 1; i >= 0; i--)
        {
            if (_large[i] != null) pool.ReturnUnusedLarge(_large[i]);
        }

        _most = received > 0 ? Math.Clamp(2 * received, _fewest, MessageBatch.MaxCount) : Math.Max(_most / 2, _fewest);
        return count;
    }

    /// <inheritdoc/>
    public override void BeforeSleep(PollSet set)
    {
        if (!IsGone) set.Add(Descriptor);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        IsGone = true;
        Close();
        Batch.Dispose();
        NativeMemory.AlignedFree(_large);
    }

    /// <summary>Receives up to so many frames into <see cref="Batch"/>; returns how many there were.</summary>
    protected abstract int ReceiveFrames(int count);

    /// <summary>A tag that the kernel has taken out of a frame.</summary>
    protected virtual bool TryTagOf(int index, out ushort tpid, out ushort tci)
    {
        (tpid, tci) = (0, 0);
        return false;
    }

    /// <summary>Closes the descriptor.</summary>
    protected abstract void Close();

    /// <summary>One byte more than may come: who is longer is seen to be.</summary>
    private void Offer(PacketPool pool, Packet* p, int index, bool hasLarge)
    {
        int small = pool.FrameCapacityBytes;
        IoVector* parts = Batch.PartsOf(index);
        parts[1] = new IoVector { Base = PacketPool.FrameOf(p), LengthBytes = (nuint)(hasLarge ? small : small + 1) };
        if (hasLarge) parts[2] = new IoVector { Base = PacketPool.FrameOf(_large[index]) + small, LengthBytes = (nuint)(Packet.MaxLengthBytes - small + 1) };
        Batch.SetPartCount(index, hasLarge ? 3 : 2);
    }

    /// <summary>The packet of a received frame, or null: then it is counted, and its slot given back.</summary>
    private Packet* Take(PacketPool pool, Packet* p, int index, bool hasLarge)
    {
        int length = Batch.LengthOf(index) - VirtioNetHeader.SizeBytes, small = pool.FrameCapacityBytes;
        bool isLong = length > small;
        if (isLong && hasLarge && length <= Packet.MaxLengthBytes - TagBytes && !Batch.IsTruncated(index))
        {
            Packet* large = _large[index];
            _large[index] = null;
            NativeMemory.Copy(PacketPool.FrameOf(p), PacketPool.FrameOf(large), (nuint)small);
            pool.Return(p);
            p = large;
        }
        else if (isLong || length < EthernetHeaderBytes)
        {
            PortDrop cause = !isLong ? PortDrop.RxRunt : hasLarge || pool.LargeCount == 0 ? PortDrop.RxTooLong : PortDrop.RxNoMemory;
            return Lose(pool, p, cause);
        }

        PacketPool.Reset(p, PacketPool.FrameOf(p), length, PacketPool.HeadroomSizeBytes, _inPort);
        bool isTagged = TryTagOf(index, out ushort tpid, out ushort tci);
        if (isTagged) InsertTag(p, tpid, tci);
        if (!VnetFrames.TryApply(p, Batch.HeaderOf(index), isTagged ? TagBytes : 0)) return Lose(pool, p, PortDrop.RxInvalid);
        if (IsOverRate(p->LengthBytes)) return Lose(pool, p, PortDrop.RxPoliced);
        Counters.Count(p->LengthBytes, p->GsoSizeBytes != 0);
        return p;
    }

    private Packet* Lose(PacketPool pool, Packet* p, PortDrop cause)
    {
        Counters.Drop(cause);
        pool.Return(p);
        return null;
    }

    /// <summary>Puts a tag back to where it was, with its type.</summary>
    private static void InsertTag(Packet* p, ushort tpid, ushort tci)
    {
        byte* frame = p->Data - TagBytes;
        Buffer.MemoryCopy(p->Data, frame, MacsBytes, MacsBytes);
        *(ushort*)(frame + MacsBytes) = Be16.FromHost(tpid).Raw;
        *(ushort*)(frame + MacsBytes + 2) = Be16.FromHost(tci).Raw;
        p->Data = frame;
        p->LengthBytes += TagBytes;
        p->HeadroomBytes -= TagBytes;
    }
}
