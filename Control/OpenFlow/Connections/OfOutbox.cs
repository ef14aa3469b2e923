namespace Mergeflow.Control.OpenFlow;

/// <summary>What waits to be written to one connection: bounded, whoever fills it. For any thread.</summary>
/// <param name="patience">How long one who answers waits for room; then the connection is over.</param>
internal sealed class OfOutbox(TimeSpan patience) : IOfSink
{
    /// <summary>Answers wait while there is more than this.</summary>
    private const int AnswerBytes = 1 << 20;

    /// <summary>What nobody has asked for is lost when there is more than this.</summary>
    private const int MostBytes = 4 << 20;

    /// <summary>A message up to this goes out at once where there is room: nobody has to be woken for it.</summary>
    private const int DirectBytes = 4096;

    private readonly object _lock = new();
    private byte[] _bytes = new byte[4096];
    private byte[] _spare = new byte[4096];
    private int _count;
    private int _packets;
    private bool _isWriting;
    private volatile bool _isClosed;
    private bool _isEnding;

    /// <summary>Writes bytes at once if there is room for all of them, and never waits; null = there is no such way.</summary>
    public OfDirectWrite? Direct { get; set; }

    /// <summary>Messages that were lost.</summary>
    public long Lost { get; private set; }

    /// <inheritdoc/>
    public bool IsClosed => _isClosed;

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> messages)
    {
        if (TryAnswer(messages)) return;
        OfTurns? turns = OfTurns.Leave();
        lock (_lock)
        {
            while (_count > AnswerBytes && !_isClosed)
            {
                if (!Monitor.Wait(_lock, patience)) CloseHere();
            }

            Add(messages);
        }

        turns?.Enter();
    }

    /// <inheritdoc/>
    public bool TrySend(ReadOnlySpan<byte> message)
    {
        lock (_lock)
        {
            if (_count + message.Length > MostBytes)
            {
                Lost++;
                return false;
            }

            Add(message);
            return !_isClosed;
        }
    }

    /// <inheritdoc/>
    public bool TrySendPacket(ReadOnlySpan<byte> message, int mostWaiting)
    {
        lock (_lock)
        {
            if (_isWriting && _packets >= mostWaiting)
            {
                Lost++;
                return false;
            }

            if (!TrySend(message)) return false;
            _packets++;
            return true;
        }
    }

    /// <summary>All that waits, as soon as there is something; null = there will be no more. Until the next call.</summary>
    public ArraySegment<byte>? Take()
    {
        lock (_lock)
        {
            _isWriting = false;
            while (_count == 0 && !_isClosed && !_isEnding) Monitor.Wait(_lock);
            if (_isClosed || _count == 0) return null;
            var taken = new ArraySegment<byte>(_bytes, 0, _count);
            (_bytes, _spare, _count, _packets, _isWriting) = (_spare, _bytes, 0, 0, true);
            Monitor.PulseAll(_lock);
            return taken;
        }
    }

    /// <summary>Nothing more comes; what waits is still to be taken.</summary>
    public void End()
    {
        lock (_lock)
        {
            _isEnding = true;
            Monitor.PulseAll(_lock);
        }
    }

    /// <summary>Nobody takes anything any more.</summary>
    public void Close()
    {
        lock (_lock) CloseHere();
    }

    private bool TryAnswer(ReadOnlySpan<byte> messages)
    {
        lock (_lock)
        {
            if (_count > AnswerBytes && !_isClosed) return false;
            Add(messages);
            return true;
        }
    }

    private void CloseHere()
    {
        _isClosed = true;
        _count = 0;
        Monitor.PulseAll(_lock);
    }

    private void Add(ReadOnlySpan<byte> messages)
    {
        if (_isClosed) return;
        if (_count == 0 && !_isWriting && messages.Length <= DirectBytes && Direct?.Invoke(messages) == true) return;
        if (_count + messages.Length > _bytes.Length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _count + messages.Length));
        messages.CopyTo(_bytes.AsSpan(_count));
        _count += messages.Length;
        Monitor.PulseAll(_lock);
    }
}

/// <summary>Writes bytes if there is room for all of them; false = there is none, and nothing was written.</summary>
internal delegate bool OfDirectWrite(ReadOnlySpan<byte> bytes);
