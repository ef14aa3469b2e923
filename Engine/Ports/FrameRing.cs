using System.Runtime.InteropServices;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Copies of frames that have come in or left, in bounded memory. One thread at a time: who writes hands it to who reads.</summary>
/// <remarks>
/// <code>
/// record: size i32 | stored i32 | length i32 | port u32 | time i64 | event i64 | direction u8, 3 unused | packets i32 | bytes, padded to 8          a size below 0: nothing but that many bytes up to the end
/// </code>
/// An unfinished checksum is finished in the copy, where all of the frame is there.
/// </remarks>
public sealed unsafe partial class FrameRing : IDisposable
{
    private const int HeaderBytes = 40;
    private const int Align = 8;

    private readonly PinnedBlock _block;
    private readonly int _capacity;
    private readonly int _snapBytes;
    private readonly uint _port;
    private readonly FrameDirections _directions;
    private readonly bool _keepsOldest;
    private bool _isFull;
    private long _written;
    private long _read;

    /// <summary>An empty ring.</summary>
    /// <param name="capacityBytes">Memory.</param>
    /// <param name="snapBytes">Bytes of a frame that are kept.</param>
    /// <param name="port">Frames of this port only; 0 = of all.</param>
    /// <param name="directions">Frames that came in, or left, or both.</param>
    /// <param name="keepsOldest">A full ring takes no more; else the oldest go.</param>
    public FrameRing(int capacityBytes, int snapBytes = Packet.MaxLengthBytes, uint port = 0, FrameDirections directions = FrameDirections.Both, bool keepsOldest = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacityBytes, 2 * HeaderBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(snapBytes, 1);
        (_capacity, _snapBytes, _port, _directions, _keepsOldest) = (capacityBytes & ~(Align - 1), snapBytes, port, directions, keepsOldest);
        _block = PinnedMemory.Allocate((nuint)_capacity, 64);
    }

    /// <summary>Frames that are no longer here, or never were, for want of room.</summary>
    public ulong Lost { get; private set; }

    /// <summary>Frames that are here.</summary>
    public int Count { get; private set; }

    /// <summary>Whether it takes frames of a port and a direction. A ring that keeps the oldest takes none behind the first that it had no room for: there is no gap in what it has.</summary>
    public bool Takes(uint port, FrameDirections direction)
    {
        if ((_directions & direction) == 0 || (_port != 0 && _port != port)) return false;
        if (!_isFull) return true;
        Lost++;
        return false;
    }

    /// <summary>Takes a copy.</summary>
    /// <param name="packet">The frame.</param>
    /// <param name="lengthBytes">How much of it.</param>
    /// <param name="port">Where it came in or left.</param>
    /// <param name="direction">Which of both.</param>
    /// <param name="ns">When (<see cref="MonotonicClock"/>).</param>
    public void Add(Packet* packet, int lengthBytes, uint port, FrameDirections direction, long ns)
    {
        byte* copy = Begin(lengthBytes, lengthBytes, new Header { Length = lengthBytes, Port = port, Ns = ns, Event = packet->EventIndex, Direction = direction }, out int stored);
        if (copy == null) return;
        Buffer.MemoryCopy(packet->Data, copy, stored, stored);
        if ((packet->Flags & PacketFlags.CsumPartial) == 0 || stored < lengthBytes) return;
        int start = PartialChecksum.StartOf(packet);
        if (start + packet->CsumOffset + sizeof(ushort) <= stored) PartialChecksum.Finish(copy + start, stored - start, copy + start + packet->CsumOffset, PartialChecksum.WireValue(packet));
    }

    /// <summary>Takes a copy of a frame that no packet thread has had.</summary>
    /// <param name="frame">The frame, or the beginning of it.</param>
    /// <param name="lengthBytes">Length of the whole.</param>
    /// <param name="port">Where it came in or left.</param>
    /// <param name="direction">Which of both.</param>
    /// <param name="ns">When (<see cref="MonotonicClock"/>).</param>
    /// <param name="packets">Frames of the wire that it stands for.</param>
    public void Add(ReadOnlySpan<byte> frame, int lengthBytes, uint port, FrameDirections direction, long ns, int packets)
    {
        byte* copy = Begin(frame.Length, lengthBytes, new Header { Length = lengthBytes, Port = port, Ns = ns, Direction = direction, Packets = packets }, out int stored);
        if (copy != null) frame[..stored].CopyTo(new Span<byte>(copy, stored));
    }

    /// <summary>Takes the oldest frame out.</summary>
    /// <param name="frame">What it is; its bytes are valid until the next call.</param>
    /// <returns>False when none is left.</returns>
    public bool TryTake(out RingFrame frame)
    {
        frame = default;
        if (!TryNext(out Header* record)) return false;
        frame = new RingFrame(record->Port, record->Direction, record->Ns, record->Event, record->Length, new ReadOnlySpan<byte>((byte*)record + HeaderBytes, record->Stored)) { KernelPackets = record->Packets };
        _read += record->Size;
        Count--;
        return true;
    }

    /// <summary>The time of the oldest frame; false when there is none.</summary>
    public bool TryPeek(out long ns)
    {
        bool isThere = TryNext(out Header* record);
        ns = isThere ? record->Ns : 0;
        return isThere;
    }

    /// <inheritdoc/>
    public void Dispose() => _block.Dispose();

    /// <summary>Makes room for a record and writes its header; null if there is none.</summary>
    private byte* Begin(int bytes, int lengthBytes, Header header, out int stored)
    {
        stored = Math.Min(Math.Min(bytes, lengthBytes), _snapBytes);
        int size = (HeaderBytes + stored + Align - 1) & ~(Align - 1);
        int at = (int)(_written % _capacity);
        int skipped = at + size > _capacity ? _capacity - at : 0;
        if (size > _capacity || !TryMakeRoom(skipped + size))
        {
            Lost++;
            _isFull = _keepsOldest;
            return null;
        }

        if (skipped > 0)
        {
            *(int*)(_block.Pointer + at) = -skipped;
            _written += skipped;
            at = 0;
        }

        byte* record = _block.Pointer + at;
        (header.Size, header.Stored) = (size, stored);
        *(Header*)record = header;
        _written += size;
        Count++;
        return record + HeaderBytes;
    }

    private bool TryNext(out Header* record)
    {
        while (_read < _written)
        {
            record = (Header*)(_block.Pointer + (_read % _capacity));
            if (record->Size > 0) return true;
            _read -= record->Size;
        }

        record = null;
        return false;
    }

    private bool TryMakeRoom(int bytes)
    {
        while (_capacity - (_written - _read) < bytes)
        {
            if (_keepsOldest || !TryNext(out Header* record)) return false;
            _read += record->Size;
            Count--;
            Lost++;
        }

        return true;
    }

    [StructLayout(LayoutKind.Sequential, Size = HeaderBytes)]
    private struct Header
    {
        public int Size;
        public int Stored;
        public int Length;
        public uint Port;
        public long Ns;
        public long Event;
        public FrameDirections Direction;
        public int Packets;
    }
}

/// <summary>A frame in a <see cref="FrameRing"/>.</summary>
/// <param name="port">Where it came in or left.</param>
/// <param name="direction">Which of both.</param>
/// <param name="ns">When (<see cref="MonotonicClock"/>).</param>
/// <param name="eventIndex">Number of the frame that came in, also of what left because of it.</param>
/// <param name="lengthBytes">Its length.</param>
/// <param name="bytes">What of it was kept.</param>
public readonly ref struct RingFrame(uint port, FrameDirections direction, long ns, long eventIndex, int lengthBytes, ReadOnlySpan<byte> bytes)
{
    /// <summary>Where it came in or left.</summary>
    public uint Port { get; } = port;

    /// <summary>Which of both.</summary>
    public FrameDirections Direction { get; } = direction;

    /// <summary>When (<see cref="MonotonicClock"/>).</summary>
    public long Ns { get; } = ns;

    /// <summary>Number of the frame that came in, also of what left because of it.</summary>
    public long EventIndex { get; } = eventIndex;

    /// <summary>Its length.</summary>
    public int LengthBytes { get; } = lengthBytes;

    /// <summary>What of it was kept.</summary>
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <summary>It is a copy of what the kernel has forwarded: frames of the wire that it stands for; 0 = a packet thread has had it.</summary>
    public int KernelPackets { get; init; }
}

/// <summary>Ways of frames through a port.</summary>
[Flags]
public enum FrameDirections : byte
{
    /// <summary>Neither.</summary>
    None = 0,

    /// <summary>Received.</summary>
    In = 1,

    /// <summary>Sent.</summary>
    Out = 2,

    /// <summary>Both.</summary>
    Both = In | Out,
}
