namespace Mergeflow.Native;

/// <summary>A forward-only stream with a few already read bytes in front, so that pipes can be looked at too.</summary>
public sealed class PushBackStream : ForwardStream
{
    private readonly byte[] _front;
    private int _used;

    /// <param name="front">What has been read already.</param>
    /// <param name="rest">Owned.</param>
    public PushBackStream(ReadOnlySpan<byte> front, Stream rest)
        : base(rest)
        => _front = front.ToArray();

    public override int Read(Span<byte> buffer)
    {
        if (_used == _front.Length) return Inner.Read(buffer);
        int n = Math.Min(buffer.Length, _front.Length - _used);
        _front.AsSpan(_used, n).CopyTo(buffer);
        _used += n;
        return n;
    }
}
