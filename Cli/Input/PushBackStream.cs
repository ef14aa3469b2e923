namespace Mergeflow.Cli;

/// <summary>A forward-only stream with a few already read bytes in front, so that pipes can be looked at too.</summary>
internal sealed class PushBackStream : Stream
{
    private readonly byte[] _front;
    private readonly Stream _rest;
    private int _used;

    public PushBackStream(ReadOnlySpan<byte> front, Stream rest) => (_front, _rest) = (front.ToArray(), rest);

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
        if (_used == _front.Length) return _rest.Read(buffer);
        int n = Math.Min(buffer.Length, _front.Length - _used);
        _front.AsSpan(_used, n).CopyTo(buffer);
        _used += n;
        return n;
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
        if (disposing) _rest.Dispose();
        base.Dispose(disposing);
    }
}
