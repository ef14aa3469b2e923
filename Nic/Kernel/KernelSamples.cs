using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <summary>Copies of frames that the program in the kernel has taken: as they came, and behind it as they left. One thread reads.</summary>
/// <remarks>
/// <code>
/// record  0 kind u32   4 slot u32   8 serial u32   12 port u32 (came in by, leaves by)   16 length u32   20 frames of the wire u32, 0 = one   24 tag beside the frame {tpid be16, tci be16}, 0 = none   28 hit u32   32 bytes of a segment u32   36 -   40 frame
/// </code>
/// A run of the program is not interrupted by another one that takes frames, so the records of a hit stand one behind the other, unless one of them found no room: each has the number of its hit, drawn by chance.
/// </remarks>
internal sealed class KernelSamples : IDisposable
{
    public const int KindAt = 0;
    public const int SlotAt = 4;
    public const int SerialAt = 8;
    public const int PortAt = 12;
    public const int LengthAt = 16;
    public const int SegmentsAt = 20;
    public const int TagAt = 24;
    public const int HitAt = 28;
    public const int SegmentBytesAt = 32;
    public const int MetaBytes = 40;

    public const int Came = 0;
    public const int Left = 1;

    /// <summary>As <see cref="Left"/>, and another one leaves behind it.</summary>
    public const int CopyLeft = 2;

    /// <summary>Of a longer frame, which is a super-frame, the beginning is copied.</summary>
    public const int MaxFrameBytes = 60_000;

    private const int RingBytes = 1 << 20;
    private const int TagBytes = 4;
    private const int MacsBytes = 12;

    private readonly BpfPerfEvents _events;
    private readonly Half[] _came;

    /// <summary>Rings for so many processors.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public KernelSamples(int processorCount)
    {
        _events = new BpfPerfEvents(processorCount, RingBytes);
        _came = [.. Enumerable.Range(0, processorCount).Select(static _ => new Half())];
    }

    /// <summary>For the program.</summary>
    public int MapDescriptor => _events.Map.Descriptor;

    /// <summary>Hits that were to be copied and found no room.</summary>
    public ulong Lost => _events.Lost + Unpaired;

    private ulong Unpaired { get; set; }

    /// <summary>Reads what is there until <paramref name="take"/> (slot, serial number, what came and left) wants no more.</summary>
    public void Read(Func<uint, uint, KernelSample, bool> take) => _events.Read((processor, ns, record) => Take(processor, ns, record.Span, take));

    /// <inheritdoc/>
    public void Dispose() => _events.Dispose();

    private bool Take(int processor, long ns, ReadOnlySpan<byte> record, Func<uint, uint, KernelSample, bool> take)
    {
        if (record.Length < MetaBytes) return true;
        uint slot = Word(record, SlotAt), serial = Word(record, SerialAt), port = Word(record, PortAt);
        int length = (int)Word(record, LengthAt);
        Half came = _came[processor];
        if (Word(record, KindAt) == Came)
        {
            if (came.IsThere) Unpaired++;
            (came.IsThere, came.Slot, came.Serial, came.Hit) = (true, slot, serial, Word(record, HitAt));
            came.Before.Clear();
            came.Sample = new KernelSample { InPort = port, Ns = ns, Frame = FrameOf(record), LengthBytes = LengthOf(record, length), SegmentBytes = (int)Word(record, SegmentBytesAt), Packets = Math.Max(1, (int)Word(record, SegmentsAt)), Output = [] };
            return true;
        }

        bool isPair = came.IsThere && came.Slot == slot && came.Hit == Word(record, HitAt);
        if (isPair && Word(record, KindAt) == CopyLeft)
        {
            came.Before.Add(new KernelOutput(port, FrameOf(record), LengthOf(record, length)));
            return true;
        }

        came.IsThere = false;
        if (!isPair)
        {
            Unpaired++;
            return true;
        }

        bool isDrop = port == KernelLayout.NoPort;
        return take(slot, came.Serial, came.Sample with
        {
            Before = [.. came.Before],
            OutPort = isDrop ? null : port,
            Output = isDrop ? [] : FrameOf(record),
            OutputLengthBytes = isDrop ? 0 : LengthOf(record, length),
        });
    }

    private static uint Word(ReadOnlySpan<byte> record, int at) => MemoryMarshal.Read<uint>(record[at..]);

    private static int LengthOf(ReadOnlySpan<byte> record, int length) => Word(record, TagAt) == 0 ? length : length + TagBytes;

    /// <summary>The frame with the tag that lies beside it.</summary>
    private static byte[] FrameOf(ReadOnlySpan<byte> record)
    {
        // The kernel pads records; what is behind the frame is not of it.
        int length = Math.Min((int)Word(record, LengthAt), Math.Min(MaxFrameBytes, record.Length - MetaBytes));
        ReadOnlySpan<byte> frame = record.Slice(MetaBytes, length);
        if (Word(record, TagAt) == 0 || frame.Length < MacsBytes) return frame.ToArray();
        byte[] tagged = new byte[frame.Length + TagBytes];
        frame[..MacsBytes].CopyTo(tagged);
        record.Slice(TagAt, TagBytes).CopyTo(tagged.AsSpan(MacsBytes));
        frame[MacsBytes..].CopyTo(tagged.AsSpan(MacsBytes + TagBytes));
        return tagged;
    }

    /// <summary>What the last record of a processor was, if its other half is to come.</summary>
    private sealed class Half
    {
        public bool IsThere;
        public uint Slot;
        public uint Serial;
        public uint Hit;
        public readonly List<KernelOutput> Before = [];
        public KernelSample Sample = null!;
    }
}

/// <summary>A hit of a rule in the kernel: the frame as it came, and as it left.</summary>
public sealed record KernelSample
{
    /// <summary>Port that it came in by.</summary>
    public required uint InPort { get; init; }

    /// <summary>When (<see cref="MonotonicClock"/>).</summary>
    public long Ns { get; init; }

    /// <summary>Frames of the wire that it stands for: one, unless it is a super-frame.</summary>
    public int Packets { get; init; } = 1;

    /// <summary>As it came, its tags in it; of a long super-frame the beginning.</summary>
    public required byte[] Frame { get; init; }

    /// <summary>Length of the whole.</summary>
    public required int LengthBytes { get; init; }

    /// <summary>Payload of the frames that it is cut into; 0 = it is no super-frame.</summary>
    public int SegmentBytes { get; init; }

    /// <summary>Copies that left before it did.</summary>
    public IReadOnlyList<KernelOutput> Before { get; init; } = [];

    /// <summary>All that left, in order.</summary>
    public IEnumerable<KernelOutput> Outputs => OutPort is { } port ? [.. Before, new KernelOutput(port, Output, OutputLengthBytes)] : Before;

    /// <summary>Port that it left by; null = it was dropped.</summary>
    public uint? OutPort { get; init; }

    /// <summary>As it left, in the same way.</summary>
    public required byte[] Output { get; init; }

    /// <summary>Length of the whole.</summary>
    public int OutputLengthBytes { get; init; }
}

/// <summary>A frame that left.</summary>
/// <param name="Port">By this port.</param>
/// <param name="Frame">Its tags in it; of a long super-frame the beginning.</param>
/// <param name="LengthBytes">Length of the whole.</param>
public readonly record struct KernelOutput(uint Port, byte[] Frame, int LengthBytes);
