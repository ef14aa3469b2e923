using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>The frames of a capture as events on one port: numbered from 0, the clock starts with the first frame and never runs backwards.</summary>
public sealed class CaptureEventSource : IEventSource
{
    private const long NsPerMs = 1_000_000;

    private readonly CaptureReader _capture;
    private readonly uint _port;
    private long _index;
    private long _firstNs;
    private long _lastMs;

    /// <param name="capture">Owned.</param>
    /// <param name="port">The port on which all frames arrive.</param>
    public CaptureEventSource(CaptureReader capture, uint port) => (_capture, _port) = (capture, port);

    public string Name => _capture.Path;

    public double? Part => _capture.Part;

    /// <summary>Opens <paramref name="path"/>; a damaged or cut file ends the command.</summary>
    public static CaptureReader Open(string path)
    {
        try
        {
            CaptureReader capture = CaptureFile.Open(path);
            if (capture.TruncationNote is not string note) return capture;
            capture.Dispose();
            throw new CommandFailedException(ExitCode.BadInput, note);
        }
        catch (CaptureFormatException e)
        {
            throw new CommandFailedException(ExitCode.BadInput, e.Message);
        }
    }

    /// <summary>Is it a pcap or pcapng file, by its name or else by its first four bytes? Pipes are not looked into: what is read is gone.</summary>
    public static bool IsCapture(string path)
    {
        if (Path.GetExtension(path).ToLowerInvariant() is ".pcap" or ".pcapng" or ".cap") return true;
        if (new FileInfo(path) is { Exists: true, Length: 0 }) return false;
        using Stream stream = InputFile.Open(path);
        byte[] magic = new byte[4];
        if (stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) < 4) return false;
        return Convert.ToHexStringLower(magic) is "0a0d0d0a" or "a1b2c3d4" or "d4c3b2a1" or "a1b23c4d" or "4d3cb2a1";
    }

    /// <summary>Length of the longest frame in <paramref name="capture"/>, bytes; rewinds it.</summary>
    public static int MaxFrameBytes(CaptureReader capture)
    {
        int max = 0;
        while (capture.TryRead(out CaptureFrame frame)) max = Math.Max(max, frame.CapturedBytes);
        capture.Rewind();
        return max;
    }

    public bool TryRead(ReplayEvent next)
    {
        if (!_capture.TryRead(out CaptureFrame frame)) return false;
        if (_index == 0) _firstNs = frame.TimestampNs;
        _lastMs = Math.Max(_lastMs, (frame.TimestampNs - _firstNs) / NsPerMs);
        next.Index = _index++;
        next.LineNumber = (int)Math.Min(_index, int.MaxValue);
        next.TimeMs = _lastMs;
        next.Op = ReplayOp.Packet;
        next.Port = _port;
        next.FrameSizeBytes = frame.CapturedBytes;
        frame.Bytes.CopyTo(next.ReserveFrame(frame.CapturedBytes));
        return true;
    }

    public void Dispose() => _capture.Dispose();
}
