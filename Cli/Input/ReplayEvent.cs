namespace Mergeflow.Cli;

/// <summary>One event of a replay; the object is reused from event to event.</summary>
public sealed class ReplayEvent
{
    private byte[] _frame = new byte[2048];

    /// <summary>The event's own number, echoed in its output line.</summary>
    public long Index { get; internal set; }

    /// <summary>Virtual clock, ms.</summary>
    public long TimeMs { get; internal set; }

    /// <summary>When the frame was captured, ns since 1970; the clock in ns where nobody knows.</summary>
    public long TimestampNs { get; internal set; }

    public ReplayOp Op { get; internal set; }

    /// <summary>OpenFlow port on which the frame arrives.</summary>
    public uint Port { get; internal set; }

    public int FrameSizeBytes { get; internal set; }

    /// <summary>The frame from the destination MAC on, without FCS.</summary>
    public ReadOnlySpan<byte> Frame => _frame.AsSpan(0, FrameSizeBytes);

    /// <summary>The same, to be changed.</summary>
    internal Span<byte> FrameToChange => _frame.AsSpan(0, FrameSizeBytes);

    /// <summary>Flow or meter lines, or the one group line.</summary>
    public List<string> Lines { get; } = [];

    /// <summary>Zone to flush; null = all.</summary>
    public ushort? Zone { get; internal set; }

    /// <summary>Line of the input file (JSON) or number of the packet (capture), from 1.</summary>
    public int LineNumber { get; internal set; }

    /// <summary>Memory for a frame of up to <paramref name="sizeBytes"/> bytes.</summary>
    internal Span<byte> ReserveFrame(int sizeBytes)
    {
        if (_frame.Length < sizeBytes) _frame = new byte[sizeBytes];
        return _frame.AsSpan(0, sizeBytes);
    }
}
