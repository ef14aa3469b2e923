using System.Globalization;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>One of the captures that are replayed together, with the next frame in front.</summary>
internal sealed class CaptureTrack
{
    private readonly Func<CaptureReader, CaptureFramePlace, uint> _portOf;
    private readonly SortedDictionary<uint, long> _arrived = [];
    private byte[] _frame = new byte[2048];
    private int _frameBytes;
    private bool _isThere;
    private bool _isCounted;

    /// <param name="capture">Not owned.</param>
    /// <param name="portOf">On which port a frame arrives.</param>
    public CaptureTrack(CaptureReader capture, Func<CaptureReader, CaptureFramePlace, uint> portOf)
    {
        Capture = capture;
        _portOf = portOf;
        int longest = 64;
        while (capture.TryRead(out CaptureFrame frame))
        {
            if (frame.OriginalBytes <= CaptureEventSource.MaxFrameBytes) longest = Math.Max(longest, frame.OriginalBytes);
        }

        LongestFrameBytes = longest;
        capture.Rewind();
    }

    public CaptureReader Capture { get; }

    public int LongestFrameBytes { get; }

    /// <summary>Frames that were too long so far.</summary>
    public long TooLong { get; private set; }

    public long TimestampNs { get; private set; }

    public uint Port { get; private set; }

    /// <summary>As long as on the wire; what the capture has not kept is zero.</summary>
    public ReadOnlySpan<byte> Frame => _frame.AsSpan(0, _frameBytes);

    /// <summary>Bytes of it that the capture has.</summary>
    public int CapturedBytes { get; private set; }

    public bool IsCut => CapturedBytes < _frameBytes;

    /// <summary>Frames per port, in words; known once they have been gone through.</summary>
    public string Arrival => _arrived.Count == 0
        ? $"{Path.GetFileName(Capture.Path)}: no frames"
        : $"{Path.GetFileName(Capture.Path)}: {string.Join(", ", _arrived.Select(static a => string.Create(CultureInfo.InvariantCulture, $"{a.Value:N0} frames on port {a.Key}")))}";

    /// <summary>Is there a frame?</summary>
    public bool Peek()
    {
        while (!_isThere && Capture.TryRead(out CaptureFrame frame))
        {
            if (frame.OriginalBytes > CaptureEventSource.MaxFrameBytes)
            {
                if (!_isCounted) TooLong++;
                continue;
            }

            if (_frame.Length < frame.OriginalBytes) _frame = new byte[frame.OriginalBytes];
            _frameBytes = frame.OriginalBytes;
            CapturedBytes = frame.CapturedBytes;
            frame.Bytes.CopyTo(_frame);
            _frame.AsSpan(CapturedBytes, _frameBytes - CapturedBytes).Clear();
            TimestampNs = frame.TimestampNs;
            Port = _portOf(Capture, new CaptureFramePlace(frame.InterfaceIndex, frame.Bytes));
            _isThere = true;
        }

        return _isThere;
    }

    /// <summary>The frame is one that will arrive.</summary>
    public void Count() => _arrived[Port] = _arrived.GetValueOrDefault(Port) + 1;

    /// <summary>The frame has been used.</summary>
    public void Take() => _isThere = false;

    /// <summary>Back to the first frame; what was counted on the way stays.</summary>
    public void Rewind()
    {
        Capture.Rewind();
        _isThere = false;
        _isCounted = true;
    }
}

/// <summary>What a port can be told by.</summary>
/// <param name="interfaceIndex">Interface of a pcapng file.</param>
/// <param name="bytes">What the capture has of the frame.</param>
internal readonly ref struct CaptureFramePlace(int interfaceIndex, ReadOnlySpan<byte> bytes)
{
    public int InterfaceIndex { get; } = interfaceIndex;

    public ReadOnlySpan<byte> Bytes { get; } = bytes;
}
