using System.Buffers.Binary;

namespace Mergeflow.Native;

/// <summary>Writes a classic pcap file of Ethernet frames, little-endian, in nanoseconds or microseconds. Allocates nothing per frame.</summary>
public sealed class PcapWriter : IDisposable
{
    private readonly Stream _stream;
    private readonly int _nsPerUnit;

    /// <summary>Creates or replaces a file.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written, or is a directory.</exception>
    public PcapWriter(string path, bool nanoseconds = true)
        : this(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16), nanoseconds)
    {
    }

    /// <summary>Writes to a stream, which is disposed along with the writer.</summary>
    /// <param name="stream">Takes the file's bytes.</param>
    /// <param name="nanoseconds">The unit of time stamps, else microseconds.</param>
    /// <param name="hasHeader">The stream stands behind a header of the same kind: none is written.</param>
    public PcapWriter(Stream stream, bool nanoseconds = true, bool hasHeader = false)
    {
        _stream = stream;
        _nsPerUnit = nanoseconds ? 1 : 1000;
        if (hasHeader) return;
        Span<byte> header = stackalloc byte[24];
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, nanoseconds ? PcapReader.MagicNanoseconds : PcapReader.MagicMicroseconds);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], 4);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], CaptureFile.MaxFrameBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], LinkAdapter.Ethernet);
        _stream.Write(header);
    }

    /// <summary>Number of frames written.</summary>
    public long FrameCount { get; private set; }

    /// <summary>Appends a frame.</summary>
    /// <param name="frame">At most <see cref="CaptureFile.MaxFrameBytes"/> bytes.</param>
    /// <param name="timestampNs">Nanoseconds since 1970-01-01 UTC, before the year 2106. What the file cannot resolve is cut off.</param>
    /// <param name="originalBytes">Length on the wire if it was longer than <paramref name="frame"/>.</param>
    public void Write(ReadOnlySpan<byte> frame, long timestampNs, int originalBytes = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(frame.Length, CaptureFile.MaxFrameBytes, nameof(frame));
        ArgumentOutOfRangeException.ThrowIfNegative(timestampNs);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(timestampNs / 1_000_000_000, uint.MaxValue, nameof(timestampNs));
        (long seconds, long ns) = Math.DivRem(timestampNs, 1_000_000_000);
        Span<byte> header = stackalloc byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], (uint)(ns / _nsPerUnit));
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], frame.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], Math.Max(frame.Length, originalBytes));
        _stream.Write(header);
        _stream.Write(frame);
        FrameCount++;
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}
