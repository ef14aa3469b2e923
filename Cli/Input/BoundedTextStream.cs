namespace Mergeflow.Cli;

/// <summary>A forward-only stream that ends the command when its text, or one line of it, is longer than <see cref="InputLimits"/> allows.</summary>
/// <param name="inner">Owned.</param>
/// <param name="name">The name in messages.</param>
public sealed class BoundedTextStream(Stream inner, string name) : Stream
{
    private long _total;
    private long _lineBytes;
    private int _lineNumber = 1;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        int got = inner.Read(buffer);
        Span<byte> rest = buffer[..got];
        for (int newline; (newline = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(newline + 1)..])
        {
            if (_lineBytes + newline > InputLimits.MaxLineBytes) LineReader.ThrowTooLong(name, _lineNumber);
            _lineBytes = 0;
            _lineNumber++;
        }

        _lineBytes += rest.Length;
        if (_lineBytes > InputLimits.MaxLineBytes) LineReader.ThrowTooLong(name, _lineNumber);
        _total += got;
        if (_total > InputLimits.MaxTextBytes)
            throw new CommandFailedException(ExitCode.BadInput, $"{name} line {_lineNumber}: the text is larger than {InputLimits.MaxTextBytes >> 20} MiB", _lineNumber);
        return got;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }
}
