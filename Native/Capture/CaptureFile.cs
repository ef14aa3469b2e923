using System.Runtime.CompilerServices;

namespace Mergeflow.Native;

/// <summary>Opens capture files of either format.</summary>
public static unsafe class CaptureFile
{
    /// <summary>
    /// Longest frame a record may hold (libpcap <c>MAXIMUM_SNAPLEN</c>). A record that claims more is taken for garbage, not for a frame.
    /// </summary>
    public const int MaxFrameBytes = 262_144;

    /// <summary>
    /// Maps a capture and checks all of its structure, so that reading it afterwards cannot fail. A file that is not seekable, a pipe for
    /// example, is read into memory first, and so is one that is compressed (gzip).
    /// </summary>
    /// <param name="path">A pcap or pcapng file.</param>
    /// <exception cref="CaptureFormatException">Empty, neither format, damaged, or of a link type that cannot be read as Ethernet.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read, or is a directory.</exception>
    public static CaptureReader Open(string path) => Open(() => CaptureBytes.Open(path), path);

    /// <summary>The same for what is left of a stream, which is read into memory.</summary>
    /// <param name="stream">Not owned; decompressed already.</param>
    /// <param name="name">The name in messages.</param>
    /// <exception cref="CaptureFormatException">As above.</exception>
    public static CaptureReader Open(Stream stream, string name) => Open(() => CaptureBytes.Of(stream), name);

    private static CaptureReader Open(Func<CaptureBytes> read, string path)
    {
        CaptureBytes bytes;
        try
        {
            bytes = read();
        }
        catch (InvalidDataException e)
        {
            throw new CaptureFormatException(path, 0, $"damaged gzip data: {e.Message}");
        }

        try
        {
            if (bytes.LengthBytes == 0) throw new CaptureFormatException(path, 0, "the file is empty");
            if (bytes.LengthBytes < 4) throw new CaptureFormatException(path, 0, $"{bytes.LengthBytes} bytes are no capture file");
            uint magic = Unsafe.ReadUnaligned<uint>(bytes.Pointer);
            CaptureReader reader = magic == PcapngReader.SectionHeaderBlock ? new PcapngReader(path, bytes) : new PcapReader(path, bytes);
            reader.CheckAll();
            return reader;
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }
}
