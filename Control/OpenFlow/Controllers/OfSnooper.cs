namespace Mergeflow.Control.OpenFlow;

/// <summary>One who gets copies of what a controller and the switch say to each other, each message as it is (OVS <c>add_snooper</c>, <c>ovs-ofctl snoop</c>). What he says himself is not looked at.</summary>
/// <param name="sink">Where copies go.</param>
/// <param name="find">The controller that is listened to, when he is ready; null = there is none.</param>
internal sealed class OfSnooper(IOfSink sink, Func<OfListeners?> find) : IOfSession
{
    private readonly byte[] _header = new byte[OfCodec.HeaderBytes];
    private int _count;
    private volatile OfListeners? _listeners;

    /// <inheritdoc/>
    public bool IsGreeted => _listeners is not null;

    /// <inheritdoc/>
    public void Open() => sink.Send(OfCodec.Encode(new OfHello { Kind = OfKind.Hello, Xid = 1 }, OfVersion.V15));

    /// <inheritdoc/>
    public bool Receive(ReadOnlySpan<byte> bytes)
    {
        if (_listeners is not null) return true;
        int taken = Math.Min(bytes.Length, _header.Length - _count);
        bytes[..taken].CopyTo(_header.AsSpan(_count));
        if ((_count += taken) < _header.Length) return true;
        if (_header[1] != 0 || find() is not { } listeners || !listeners.Add(sink)) return false;
        _listeners = listeners;
        return true;
    }

    /// <inheritdoc/>
    public void Probe()
    {
        // He listens.
    }

    /// <inheritdoc/>
    public void Close() => _listeners?.Remove(sink);
}
