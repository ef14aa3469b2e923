using System.Diagnostics.CodeAnalysis;

namespace Mergeflow.Cli;

/// <summary>Lines of a byte stream as spans, without an allocation per line; counts them from 1.</summary>
public sealed class LineReader : IDisposable
{
    private readonly Stream _stream;
    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _atEnd;

    /// <param name="stream">Owned: closed with the reader.</param>
    /// <param name="name">The name in messages.</param>
    public LineReader(Stream stream, string name) => (_stream, Name) = (stream, name);

    public string Name { get; }

    /// <summary>Number of the line that was read last.</summary>
    public int LineNumber { get; private set; }

    /// <summary>Reads the next line, without its LF or CR LF; it is valid until the next call.</summary>
    /// <returns>False at the end.</returns>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        int scanned = 0;
        while (true)
        {
            ReadOnlySpan<byte> pending = _buffer.AsSpan(_start, _end - _start);
            int newline = pending[scanned..].IndexOf((byte)'\n');
            if (newline >= 0)
            {
                line = Trim(pending[..(scanned + newline)]);
                _start += scanned + newline + 1;
                LineNumber++;
                return true;
            }
            scanned = pending.Length;
            if (_atEnd)
            {
                line = Trim(pending);
                _start = _end;
                if (scanned == 0) return false;
                LineNumber++;
                return true;
            }
            Fill();
        }
    }

    public void Dispose() => _stream.Dispose();

    [DoesNotReturn]
    internal static void ThrowTooLong(string name, int lineNumber)
        => throw new CommandFailedException(ExitCode.BadInput, $"{name} line {lineNumber}: longer than {InputLimits.MaxLineBytes >> 20} MiB, the most a line may have", lineNumber);

    private ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> line)
    {
        if (LineNumber == 0 && line.StartsWith("\uFEFF"u8)) line = line[3..];
        return line.EndsWith("\r"u8) ? line[..^1] : line;
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        if (_end == InputLimits.MaxLineBytes) ThrowTooLong(Name, LineNumber + 1);
        if (_end == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        int got;
        try
        {
            got = _stream.Read(_buffer, _end, _buffer.Length - _end);
        }
        catch (InvalidDataException e)
        {
            throw new CommandFailedException(ExitCode.BadInput, $"{Name} line {LineNumber + 1}: damaged gzip data: {e.Message}", LineNumber + 1);
        }
        _atEnd = got == 0;
        _end += got;
    }
}
