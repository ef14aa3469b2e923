using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>
/// The frames of one or several captures as events, in the order of their time stamps: numbered from 0, the clock starts with the first frame and never runs
/// backwards. A frame of which the capture kept only a part (snap length) is made whole again with zeros and gets right checksums, so that it is judged by its
/// headers and its length on the wire.
/// </summary>
public sealed class CaptureEventSource : IEventSource
{
    /// <summary>Longest frame that the switch takes, bytes; longer ones are left out.</summary>
    public const int MaxFrameBytes = Packet.MaxLengthBytes;

    private const long NsPerMs = 1_000_000;

    private readonly CaptureTrack[] _tracks;
    private readonly bool _fixChecksums;
    private readonly FrameMender _mender;
    private long _index;
    private long _firstNs;
    private long _lastMs;

    /// <param name="captures">Owned.</param>
    /// <param name="policy">On which ports frames arrive.</param>
    /// <param name="fixChecksums">Correct wrong checksums, as the sender's NIC would have.</param>
    public CaptureEventSource(IReadOnlyList<CaptureReader> captures, CapturePorts policy, bool fixChecksums = false)
    {
        _fixChecksums = fixChecksums;
        _tracks = [.. captures.Select((c, i) => new CaptureTrack(c, policy.Of(c, i, captures.Count)))];
        LongestFrameBytes = _tracks.Max(static t => t.LongestFrameBytes);
        _mender = new FrameMender(LongestFrameBytes);
        Look();
    }

    public string Name => string.Join(", ", _tracks.Select(static t => t.Capture.Path));

    public double? Part => _tracks.Average(static t => t.Capture.Part);

    /// <summary>Longest frame that will come, bytes.</summary>
    public int LongestFrameBytes { get; }

    /// <summary>What a reader of the results has to know of the frames.</summary>
    public IReadOnlyList<string> Notes { get; private set; } = [];

    /// <summary>Where the frames arrive, in words.</summary>
    public string Arrival => string.Join("; ", _tracks.Select(static t => t.Arrival));

    /// <summary>Opens a capture; a damaged file ends the command. Of one that is cut at its end the whole frames are used, and <see cref="Notes"/> say so.</summary>
    /// <param name="path">pcap or pcapng, gzip or not.</param>
    /// <param name="stream">What is left of it if it has been opened already, else null.</param>
    public static CaptureReader Open(string path, Stream? stream = null)
    {
        if (stream is null) InputFile.RequireFile(path);
        try
        {
            return stream is null ? CaptureFile.Open(path) : CaptureFile.Open(stream, path == "-" ? "standard input" : path);
        }
        catch (CaptureFormatException e)
        {
            throw new CommandFailedException(ExitCode.BadInput, e.Message);
        }
    }

    /// <summary>
    /// Is it a pcap or pcapng file, by its name or else by its first four bytes (those of the text if it is gzip)?
    /// </summary>
    /// <param name="path">File, pipe, or - for standard input.</param>
    /// <param name="rest">What has to be read instead of the file if it can be read only once, else null.</param>
    /// <param name="spool">Has copies of what can be read only once; null = there are none.</param>
    public static bool IsCapture(string path, out Stream? rest, InputSpool? spool = null)
    {
        rest = null;
        string name = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;
        bool isOnce = InputSpool.IsOnce(path);
        if (!isOnce && Path.GetExtension(name).ToLowerInvariant() is ".pcap" or ".pcapng" or ".cap") return true;
        Stream stream = InputFile.Open(path, spool);
        Span<byte> magic = stackalloc byte[4];
        int got;
        try
        {
            got = stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException)
        {
            // Whoever reads it says where it ends.
            got = 0;
        }

        if (isOnce) rest = new PushBackStream(magic[..got], stream);
        else stream.Dispose();
        return got == magic.Length && Convert.ToHexStringLower(magic) is "0a0d0d0a" or "a1b2c3d4" or "d4c3b2a1" or "a1b23c4d" or "4d3cb2a1";
    }

    public bool TryRead(ReplayEvent next)
    {
        CaptureTrack? first = null;
        foreach (CaptureTrack track in _tracks)
        {
            while (track.Peek() && IsHeadless(track)) track.Take();
            if (track.Peek() && (first is null || track.TimestampNs < first.TimestampNs)) first = track;
        }

        if (first is null) return false;
        if (_index == 0) _firstNs = first.TimestampNs;
        _lastMs = Math.Max(_lastMs, (first.TimestampNs - _firstNs) / NsPerMs);
        next.Index = _index++;
        next.LineNumber = (int)Math.Min(_index, int.MaxValue);
        next.TimeMs = _lastMs;
        next.TimestampNs = Math.Max(0, first.TimestampNs);
        next.Op = ReplayOp.Packet;
        next.Port = first.Port;
        next.FrameSizeBytes = first.Frame.Length;
        Span<byte> frame = next.ReserveFrame(next.FrameSizeBytes);
        first.Frame.CopyTo(frame);
        if (first.IsCut || _fixChecksums) _mender.Mend(frame);
        first.Take();
        return true;
    }

    public void Dispose()
    {
        _mender.Dispose();
        foreach (CaptureTrack track in _tracks) track.Capture.Dispose();
    }

    private bool IsHeadless(CaptureTrack track) => track.IsCut && _mender.EndsInsideHeaders(track.Frame, track.CapturedBytes);

    /// <summary>Goes once through all frames: what is to be said of them is said before they are used.</summary>
    private void Look()
    {
        List<string> notes = [];
        foreach (CaptureTrack track in _tracks)
        {
            string path = track.Capture.Path;
            long frames = 0, cut = 0, wrong = 0, headless = 0;
            string? firstHeadless = null;
            while (track.Peek())
            {
                frames++;
                if (IsHeadless(track))
                {
                    headless++;
                    firstHeadless ??= $"frame {frames} was cut at {track.CapturedBytes} bytes when it was captured, inside its headers";
                }
                else
                {
                    if (track.IsCut) cut++;
                    else if (_mender.IsWrong(track.Frame)) wrong++;
                    track.Count();
                }

                track.Take();
            }

            track.Rewind();
            if (track.Capture.TruncationNote is string cutOff)
            {
                if (track.Capture.FrameCount == 0) throw new CommandFailedException(ExitCode.BadInput, cutOff);
                notes.Add($"{cutOff} and are used");
            }

            if (track.TooLong > 0) notes.Add($"{path}: {track.TooLong} frames of more than {MaxFrameBytes} bytes are left out");
            if (headless > 0 && headless == frames) throw new CommandFailedException(ExitCode.BadInput, $"{path}: {firstHeadless}, and so was every frame; a longer snap length is needed (tcpdump -s 128)");
            if (headless > 0) notes.Add($"{path}: {headless} of {frames} frames were cut inside their headers and are left out ({firstHeadless})");
            if (cut > 0) notes.Add($"{path}: {cut} of {frames} frames were cut short when they were captured (snap length): they are judged by their headers, with their length on the wire, zeros for what is missing, and right checksums");
            if (wrong > 0) notes.Add(_fixChecksums
                ? $"{path}: {wrong} of {frames} frames had a wrong checksum, which has been corrected"
                : $"{path}: {wrong} of {frames} frames have a wrong checksum (captured on the sending host?), ct takes them as invalid; --fix-checksums corrects them");
        }

        Notes = notes;
    }
}
