using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>A classic pcap of Ethernet frames from a file or fifo that may still grow, or into one; never waits. One thread.</summary>
public sealed unsafe class PcapStream : IDisposable
{
    private const int ReadOnly = 0, WriteOnly = 1, ReadWrite = 2, Create = 0x40, Truncate = 0x200, OwnerMayWrite = 0x1a4;
    private const int Again = -11, Interrupted = -4;
    private const int FileHeaderBytes = 24, RecordHeaderBytes = 16;
    private const int RoomBytes = CaptureFile.MaxFrameBytes + RecordHeaderBytes;

    private readonly bool _isSpecial;
    private readonly byte[] _room = new byte[RoomBytes];
    private readonly string _path;
    private int _fd;
    private int _begin, _end;
    private bool? _isSwapped;

    private PcapStream(string path, int fd, bool isSpecial) => (_path, _fd, _isSpecial) = (path, fd, isSpecial);

    /// <summary>Nothing more will come: the end of a plain file.</summary>
    public bool IsAtEnd { get; private set; }

    /// <summary>Opens a file or fifo to be read.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public static PcapStream Reader(string path) => Open(path, ReadOnly, 0, FileKind.IsSpecial(path));

    /// <summary>Creates or replaces a file, or opens a fifo, to be written.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public static PcapStream Writer(string path)
    {
        bool isSpecial = FileKind.IsSpecial(path);

        // A fifo that nobody reads yet can be opened only so.
        PcapStream stream = isSpecial ? Open(path, ReadWrite, 0, isSpecial) : Open(path, WriteOnly | Create | Truncate, OwnerMayWrite, isSpecial);
        Span<byte> header = stream._room.AsSpan(0, FileHeaderBytes);
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, PcapReader.MagicNanoseconds);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], 4);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], CaptureFile.MaxFrameBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], LinkAdapter.Ethernet);
        stream._end = FileHeaderBytes;
        return stream;
    }

    /// <summary>The next frame; empty = there is none now. Its bytes are valid until the next call.</summary>
    /// <exception cref="IOException">What comes is no pcap of Ethernet frames, or cannot be read.</exception>
    public ReadOnlySpan<byte> Read()
    {
        while (true)
        {
            if (_isSwapped is null && Has(FileHeaderBytes))
            {
                _isSwapped = IsSwapped();
                _begin += FileHeaderBytes;
            }

            if (_isSwapped is not null && Has(RecordHeaderBytes))
            {
                uint length = Word(8);
                if (length > CaptureFile.MaxFrameBytes) throw new IOException($"{_path}: a frame of {length} bytes");
                if (Has(RecordHeaderBytes + (int)length))
                {
                    int at = _begin + RecordHeaderBytes;
                    _begin = at + (int)length;
                    if (length > 0) return _room.AsSpan(at, (int)length);
                    continue;
                }
            }

            if (!TryFill()) return default;
        }
    }

    /// <summary>Takes a frame if nothing of the one before waits to be written; <see cref="TryFlush"/> writes it.</summary>
    public void Put(ReadOnlySpan<byte> frame, long timestampNs)
    {
        (long seconds, long ns) = Math.DivRem(timestampNs, 1_000_000_000);
        Span<byte> header = _room.AsSpan(_end, RecordHeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header, (uint)seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], (uint)ns);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], frame.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], frame.Length);
        frame.CopyTo(_room.AsSpan(_end + RecordHeaderBytes));
        _end += RecordHeaderBytes + frame.Length;
    }

    /// <summary>Writes what waits; false = the other side takes no more now.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public bool TryFlush()
    {
        while (_begin < _end)
        {
            nint n;
            fixed (byte* bytes = _room) n = Libc.Write(_fd, bytes + _begin, (nuint)(_end - _begin));
            if (n < 0)
            {
                n = -Marshal.GetLastPInvokeError();
                if (n == Again) return false;
                if (n != Interrupted) throw Failed((int)-n);
                continue;
            }

            _begin += (int)n;
        }

        _begin = _end = 0;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        int fd = Interlocked.Exchange(ref _fd, -1);
        if (fd >= 0) _ = SocketCalls.Close(fd);
    }

    private static PcapStream Open(string path, int flags, int mode, bool isSpecial)
    {
        int fd = SocketCalls.OpenMode(path, flags | SocketCalls.NonBlocking | SocketCalls.CloseOnExec, mode);
        return fd >= 0 ? new PcapStream(path, fd, isSpecial) : throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    private bool Has(int bytes) => _end - _begin >= bytes;

    private uint Word(int at)
    {
        ReadOnlySpan<byte> bytes = _room.AsSpan(_begin + at);
        return _isSwapped == true ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    private bool IsSwapped()
    {
        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(_room.AsSpan(_begin));
        bool isPlain = magic is PcapReader.MagicNanoseconds or PcapReader.MagicMicroseconds;
        uint other = BinaryPrimitives.ReverseEndianness(magic);
        if (!isPlain && other is not (PcapReader.MagicNanoseconds or PcapReader.MagicMicroseconds)) throw new IOException($"{_path}: no pcap");
        ReadOnlySpan<byte> link = _room.AsSpan(_begin + 20);
        uint type = (isPlain ? BinaryPrimitives.ReadUInt32LittleEndian(link) : BinaryPrimitives.ReadUInt32BigEndian(link)) & 0xffff;
        return type == LinkAdapter.Ethernet ? !isPlain : throw new IOException($"{_path}: link type {type}, not Ethernet");
    }

    private bool TryFill()
    {
        if (_begin > 0)
        {
            Buffer.BlockCopy(_room, _begin, _room, 0, _end - _begin);
            (_begin, _end) = (0, _end - _begin);
        }

        nint n;
        fixed (byte* bytes = _room) n = Libc.Read(_fd, bytes + _end, (nuint)(_room.Length - _end));
        if (n > 0)
        {
            _end += (int)n;
            return true;
        }

        int error = Marshal.GetLastPInvokeError();
        if (n < 0 && -error is not (Again or Interrupted)) throw Failed(error);
        IsAtEnd = n == 0 && !_isSpecial;
        return false;
    }

    private IOException Failed(int error) => new($"{_path}: {Marshal.GetPInvokeErrorMessage(error)}");
}
