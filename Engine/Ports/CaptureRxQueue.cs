using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// A receive device that loops frames out of pinned memory, one copy per packet, as a NIC's DMA would leave them.
/// </summary>
/// <remarks>
/// <code>
/// frames   one behind the other, each at a multiple of 64 bytes        slots[i]  its length, line, rx flags and port (16 bytes)
/// </code>
/// Frames of up to 64 bytes occupy one line each: the ring streams one cache line per packet.
/// </remarks>
public sealed unsafe class CaptureRxQueue : RxQueue, IDisposable
{
    /// <summary>One batch ahead: a NIC writes what it receives into the cache, this ring is larger than it.</summary>
    private const int LinesAhead = 32;
    private const int LineBytes = 64;

    private readonly PinnedBlock _block;
    private readonly byte* _frames;
    private readonly PinnedBlock _slotBlock;
    private readonly RxSlot* _slots;
    private int _next;

    /// <summary>
    /// Copies the frames into pinned memory. <paramref name="loops"/> 0 = endless. With <paramref name="verifyChecksums"/> each frame
    /// carries checksum flags, computed once here as a NIC's receive offload would; without it software has to verify.
    /// </summary>
    public CaptureRxQueue(IReadOnlyList<ReadOnlyMemory<byte>> frames, IReadOnlyList<uint> inPorts, long loops, bool verifyChecksums)
    {
        if (frames.Count == 0) throw new ArgumentException("a receive queue needs at least one frame", nameof(frames));
        Loops = loops;
        Count = frames.Count;
        _slotBlock = PinnedMemory.Allocate((nuint)frames.Count * (nuint)sizeof(RxSlot), 64, wantHugePages: true);
        _slots = (RxSlot*)_slotBlock.Pointer;
        uint line = 0;
        for (int i = 0; i < frames.Count; i++)
        {
            _slots[i] = new RxSlot { LengthBytes = frames[i].Length, Line = line, InPort = inPorts[i] };
            line += (uint)(frames[i].Length + LineBytes - 1) / LineBytes;
            MaxFrameBytes = Math.Max(MaxFrameBytes, frames[i].Length);
        }

        _block = PinnedMemory.Allocate((nuint)(line + 1) * LineBytes, 64, wantHugePages: true);
        _frames = _block.Pointer;
        for (int i = 0; i < frames.Count; i++) frames[i].Span.CopyTo(new Span<byte>(_frames + ((nuint)_slots[i].Line * LineBytes), frames[i].Length));
        if (verifyChecksums) Verify(frames);
    }

    /// <summary>Passes over the capture; 0 = endless.</summary>
    public long Loops { get; }

    /// <summary>Passes finished.</summary>
    public long Passes { get; private set; }

    /// <summary>Longest frame.</summary>
    public int MaxFrameBytes { get; }

    /// <summary>Frames in the capture.</summary>
    public int Count { get; }

    /// <summary>All loops are done.</summary>
    public bool Finished => Loops != 0 && Passes >= Loops;

    /// <summary>Backing of the ring.</summary>
    public HugePageKind HugePages => _block.HugePages;

    /// <summary>Begins again with the first frame and the first pass.</summary>
    public void Restart() => (_next, Passes) = (0, 0);

    /// <inheritdoc/>
    public override int Receive(PacketPool pool, Packet** batch, int max)
    {
        if (Finished) return 0;
        int n = pool.RentBulk(batch, Math.Min(max, Count - _next));
        RxSlot* slot = _slots + _next;
        for (int i = 0; i < n; i++) Load(batch[i], slot + i);
        _next += n;
        if (_next == Count)
        {
            _next = 0;
            Passes++;
        }

        return n;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _block.Dispose();
        _slotBlock.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Load(Packet* p, RxSlot* slot)
    {
        byte* source = _frames + ((nuint)slot->Line * LineBytes);
        int length = slot->LengthBytes;
        byte* data = PacketPool.FrameOf(p);
        if (length <= LineBytes)
        {
            Native.Prefetch.Read(source + (LinesAhead * LineBytes));
            Vector256.Store(Vector256.Load(source), data);
            Vector256.Store(Vector256.Load(source + 32), data + 32);
        }
        else
        {
            Unsafe.CopyBlockUnaligned(data, source, (uint)length);
        }

        PacketPool.Reset(p, data, length, PacketPool.HeadroomSizeBytes, slot->InPort);
        p->Flags = slot->Flags;
    }

    private void Verify(IReadOnlyList<ReadOnlyMemory<byte>> frames)
    {
        using var pool = new PacketPool(1, Math.Max(64, MaxFrameBytes));
        for (int i = 0; i < frames.Count; i++)
        {
            Packet* p = pool.Rent();
            pool.Load(p, frames[i].Span, _slots[i].InPort);
            MiniflowExtractor.Extract(p);
            PacketChecksums.Verify(p);
            _slots[i].Flags = p->Flags & ~PacketFlags.Parsed;
            pool.Return(p);
        }
    }

    private struct RxSlot
    {
        public int LengthBytes;
        public uint Line;
        public PacketFlags Flags;
        public uint InPort;
    }
}
