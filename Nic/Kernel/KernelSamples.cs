using System.Runtime.InteropServices;
using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <summary>Copies of frames that the program in the kernel has taken: as they came, and behind it as they left. One thread reads.</summary>
/// <remarks>
/// <code>
/// record  0 kind u32   4 slot u32   8 serial u32   12 port u32 (came in by, leaves by)   16 length u32   20 frames of the wire u32, 0 = one   24 tag beside the frame {tpid be16, tci be16}, 0 = none   28 hit u32   32 bytes of a segment u32   36 copies that have left with this one u32   40 frame
/// </code>
/// A run of the program is not interrupted by another one that takes frames, so the records of a hit stand one behind the other, unless one of them found no room: each has the number of its hit, drawn by chance, and says
/// how many copies there are (<see cref="KernelSamplePairs"/>).
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
    public const int CopiesAt = 36;
    public const int MetaBytes = 40;

    public const int Came = 0;
    public const int Left = 1;

    /// <summary>As <see cref="Left"/>, and another one leaves behind it.</summary>
    public const int CopyLeft = 2;

    /// <summary>Of a longer frame, which is a super-frame, the beginning is copied.</summary>
    public const int MaxFrameBytes = 60_000;

    private const int RingBytes = 1 << 20;

    private readonly BpfPerfEvents _events;
    private readonly KernelSamplePairs _pairs;

    /// <summary>Rings for so many processors.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public KernelSamples(int processorCount)
    {
        _events = new BpfPerfEvents(processorCount, RingBytes);
        _pairs = new KernelSamplePairs(processorCount);
    }

    /// <summary>For the program.</summary>
    public int MapDescriptor => _events.Map.Descriptor;

    /// <summary>Hits that were to be copied and found no room.</summary>
    public ulong Lost => _events.Lost + _pairs.Unpaired;

    /// <summary>Reads what is there until <paramref name="take"/> (slot, serial number, what came and left) wants no more.</summary>
    public void Read(Func<uint, uint, KernelSample, bool> take) => _events.Read((processor, ns, record) => _pairs.Take(processor, ns, record.Span, take));

    /// <inheritdoc/>
    public void Dispose() => _events.Dispose();
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
