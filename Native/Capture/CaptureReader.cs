using System.Diagnostics.CodeAnalysis;

namespace Mergeflow.Native;

/// <summary>
/// Reads the frames of a capture in file order, without allocating per frame. All structure has been checked by
/// <see cref="CaptureFile.Open"/>, so <see cref="TryRead"/> does not fail.
/// </summary>
public abstract unsafe class CaptureReader : IDisposable
{
    private readonly CaptureBytes _bytes;
    private LinkAdapter? _adapter;
    private bool _disposed;

    private protected CaptureReader(string path, CaptureBytes bytes)
    {
        Path = path;
        _bytes = bytes;
    }

    /// <summary>File as the user named it.</summary>
    public string Path { get; }

    /// <summary>Format of the file.</summary>
    public abstract CaptureFormat Format { get; }

    /// <summary>Number of whole frames.</summary>
    public long FrameCount { get; private set; }

    /// <summary>Number of frames of which the capture kept only a part (snap length).</summary>
    public long CutFrameCount { get; private set; }

    /// <summary>Sum of the captured bytes of all frames, as the file holds them.</summary>
    public long CapturedBytes { get; private set; }

    /// <summary>True if the file ends in the middle of a record; the whole records in front of it are read.</summary>
    public bool Truncated { get; private set; }

    /// <summary>Offset of the record that is cut; -1 if none is.</summary>
    public long TruncatedAtOffsetBytes { get; private set; } = -1;

    /// <summary>One line about a cut file, or null: <c>FILE: offset N: the file ends inside a record, M frames are whole</c>.</summary>
    public string? TruncationNote => Truncated ? $"{Path}: offset {TruncatedAtOffsetBytes}: the file ends inside a record, {FrameCount} frames are whole" : null;

    /// <summary>Length of the file.</summary>
    public long FileBytes => _bytes.LengthBytes;

    /// <summary>How much of the file has been read, 0 to 1.</summary>
    public double Part => (double)Position / FileBytes;

    /// <summary>Where the reader stands.</summary>
    private protected long Position { get; set; }

    /// <summary>Reads the next frame; false behind the last whole one.</summary>
    /// <exception cref="ObjectDisposedException">The reader has been disposed.</exception>
    public bool TryRead(out CaptureFrame frame)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Step(out CaptureRecord record) != CaptureStep.Frame)
        {
            frame = default;
            return false;
        }

        if (record.LinkType != LinkAdapter.Ethernet) (_adapter ??= new LinkAdapter()).ToEthernet(ref record);
        frame = new CaptureFrame(in record);
        return true;
    }

    /// <summary>Goes back to the first frame.</summary>
    public virtual void Rewind() => Position = 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _bytes.Dispose();
        _adapter?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Moves over the next frame record, and over whatever lies in front of it.</summary>
    private protected abstract CaptureStep Step(out CaptureRecord record);

    /// <summary>First byte of the file plus an offset that has been checked.</summary>
    private protected byte* At(long offsetBytes) => _bytes.Pointer + offsetBytes;

    [DoesNotReturn]
    private protected void Throw(long offsetBytes, string problem) => throw new CaptureFormatException(Path, offsetBytes, problem);

    /// <summary>Refuses link types that have no Ethernet reading.</summary>
    private protected void CheckLinkType(long offsetBytes, uint linkType)
    {
        if (!LinkAdapter.Supports(linkType))
        {
            Throw(offsetBytes, $"link type {linkType} is not supported (Ethernet 1, raw IP 101, 228, 229, BSD loopback 0, 108, Linux cooked 113, 276 are)");
        }
    }

    /// <summary>Walks the whole file once: counts what is there and throws on what is wrong.</summary>
    internal void CheckAll()
    {
        Rewind();
        CaptureStep step;
        while ((step = Step(out CaptureRecord record)) == CaptureStep.Frame)
        {
            FrameCount++;
            CapturedBytes += record.CapturedBytes;
            if (record.CapturedBytes < record.OriginalBytes) CutFrameCount++;
        }

        if (step == CaptureStep.Cut)
        {
            Truncated = true;
            TruncatedAtOffsetBytes = Position;
        }

        Rewind();
    }
}
