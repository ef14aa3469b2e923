using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Native;

namespace Mergeflow.Engine;

/// <summary>
/// A receive device that loops frames out of pinned memory, one copy per packet, as a NIC's DMA would leave them.
/// </summary>
/// <remarks>
/// <code>
/// frames   one behind the other, each at a multiple of 64 bytes        lengths[i]  bytes, offsets[i]  in 64-byte lines, flags[i]  rx flags
/// </code>
/// Frames of up to 64 bytes occupy one line each: the ring streams one cache line per packet.
/// </remarks>
public sealed unsafe class CaptureRxQueue : RxQueue, IDisposable
{
    private const int LineBytes = 64;

    private readonly PinnedBlock _block;
    private readonly byte* _frames;
    private readonly int[] _lengths;
    private readonly uint[] _lines;
    private readonly PacketFlags[] _flags;
    private readonly uint[] _inPorts;
    private int _next;

    /// <summary>
    /// Copies the frames into pinned memory. <paramref name="loops"/> 0 = endless. With <paramref name="verifyChecksums"/> each frame
    /// carries checksum flags, computed once here as a NIC's receive offload would; without it software has to verify.
    /// </summary>
    public CaptureRxQueue(IReadOnlyList<ReadOnlyMemory<byte>> frames, IReadOnlyList<uint> inPorts, long loops, bool verifyChecksums)
    {
        if (frames.Count == 0) throw new ArgumentException("a receive queue needs at least one frame", nameof(frames));
        Loops = loops;
        _lengths = new int[frames.Count];
        _lines = new uint[frames.Count];
        _flags = new PacketFlags[frames.Count];
        _inPorts = [.. inPorts];
        uint line = 0;
        for (int i = 0; i < frames.Count; i++)
        {
            _lengths[i] = frames[i].Length;
            _lines[i] = line;
            line += (uint)(frames[i].Length + LineBytes - 1) / LineBytes;
            MaxFrameBytes = Math.Max(MaxFrameBytes, frames[i].Length);
        }

        _block = PinnedMemory.Allocate((nuint)(line + 1) * LineBytes, 64, wantHugePages: true);
        _frames = _block.Pointer;
        for (int i = 0; i < frames.Count; i++) frames[i].Span.CopyTo(new Span<byte>(_frames + ((nuint)_lines[i] * LineBytes), _lengths[i]));
        if (verifyChecksums) Verify(frames);
    }

    /// <summary>Passes over the capture; 0 = endless.</summary>
    public long Loops { get; }

    /// <summary>Passes finished.</summary>
    public long Passes { get; private set; }

    /// <summary>Longest frame.</summary>
    public int MaxFrameBytes { get; }

    /// <summary>Frames in the capture.</summary>
    public int Count => _lengths.Length;

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
        int n = Math.Min(max, _lengths.Length - _next);
        for (int i = 0; i < n; i++)
        {
            Packet* p = pool.Rent();
            if (p == null)
            {
                n = i;
                break;
            }

            Load(p, _next + i);
            batch[i] = p;
        }

        _next += n;
        if (_next == _lengths.Length)
        {
            _next = 0;
            Passes++;
        }

        return n;
    }

    /// <inheritdoc/>
    public void Dispose() => _block.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Load(Packet* p, int index)
    {
        byte* source = _frames + ((nuint)_lines[index] * LineBytes);
        int length = _lengths[index];
        byte* data = PacketPool.FrameOf(p);
        if (length <= LineBytes)
        {
            Vector256.Store(Vector256.Load(source), data);
            Vector256.Store(Vector256.Load(source + 32), data + 32);
        }
        else
        {
            Unsafe.CopyBlockUnaligned(data, source, (uint)length);
        }

        PacketPool.Reset(p, data, length, PacketPool.HeadroomSizeBytes, _inPorts[index]);
        p->Flags = _flags[index];
    }

    private void Verify(IReadOnlyList<ReadOnlyMemory<byte>> frames)
    {
        using var pool = new PacketPool(1, Math.Max(64, MaxFrameBytes));
        for (int i = 0; i < frames.Count; i++)
        {
            Packet* p = pool.Rent();
            pool.Load(p, frames[i].Span, _inPorts[i]);
            MiniflowExtractor.Extract(p);
            PacketChecksums.Verify(p);
            _flags[i] = p->Flags & ~PacketFlags.Parsed;
            pool.Return(p);
        }
    }
}
