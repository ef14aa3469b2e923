using System.Diagnostics.CodeAnalysis;

namespace Mergeflow.Native;

/// <summary>
/// Tells what the kernel does with interfaces, routes, neighbours and addresses of one network namespace: that of the thread that made the watch. It begins with all that is there, then come the changes,
/// in order and without a gap. One thread; never blocks.
/// </summary>
/// <remarks>The groups are joined before the first dump, so a change during the dump comes behind it, maybe a second time. A dump that a change has disturbed (NLM_F_DUMP_INTR) is made again.</remarks>
public sealed class RtnetlinkWatch : IDisposable
{
    private const int Route = 0;
    private const int ReceiveBytes = 4 << 20;
    private const int Busy = 16;

    private readonly NetlinkSocket _socket;
    private readonly RtTopics _topics;
    private readonly Queue<RtTopics> _dumps = new();
    private readonly Queue<RtEvent> _told = new();
    private uint _sequence;
    private bool _isDumping;
    private bool _isDisturbed;

    /// <summary>Opens the socket and asks for what is there.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public RtnetlinkWatch(RtTopics topics)
    {
        _topics = topics;
        List<int> groups = [];
        if ((topics & RtTopics.Links) != 0) groups.Add(1);
        if ((topics & RtTopics.Neighbors) != 0) groups.Add(3);
        if ((topics & RtTopics.Addresses) != 0) groups.AddRange([5, 9]);
        if ((topics & RtTopics.Routes) != 0) groups.AddRange([7, 11]);
        _socket = new NetlinkSocket(Route, [.. groups], ReceiveBytes);
        DumpAgain();
    }

    /// <summary>Readable when there may be something to tell; for <see cref="PollSet"/>.</summary>
    public int Descriptor => _socket.Descriptor;

    /// <summary>Asks for everything once more: after <see cref="RtEventKind.Overrun"/>.</summary>
    public void DumpAgain()
    {
        _dumps.Clear();
        foreach (RtTopics topic in Enum.GetValues<RtTopics>())
        {
            if ((_topics & topic) != 0) _dumps.Enqueue(topic);
        }

        if (_isDumping) _isDisturbed = true;
        else NextDump();
    }

    /// <summary>The next event; false if there is none now.</summary>
    public bool TryRead([NotNullWhen(true)] out RtEvent? told)
    {
        while (_told.Count == 0)
        {
            ReadOnlySpan<byte> datagram = _socket.Receive(out bool isLost);
            if (isLost) _told.Enqueue(new RtEvent(RtEventKind.Overrun));
            if (datagram.IsEmpty) break;
            Take(datagram);
        }

        return _told.TryDequeue(out told);
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void Take(ReadOnlySpan<byte> datagram)
    {
        NetlinkReader reader = new(datagram);
        while (reader.TryRead(out NetlinkMessage message))
        {
            bool isOfDump = _isDumping && message.Sequence == _sequence;
            if (isOfDump) _isDisturbed |= (message.Flags & NetlinkMessage.DumpInterrupted) != 0;
            if (message.Type is NetlinkMessage.Done or NetlinkMessage.Error)
            {
                if (!isOfDump) continue;
                _isDumping = false;
                if (!_isDisturbed && message.Errno != Busy) _dumps.TryDequeue(out _);
                NextDump();
            }
            else if (RtnetlinkCodec.TryParse(message, out RtEvent? told))
            {
                _told.Enqueue(told);
            }
        }
    }

    private void NextDump()
    {
        _isDisturbed = false;
        if (!_dumps.TryPeek(out RtTopics topic))
        {
            _told.Enqueue(new RtEvent(RtEventKind.DumpDone));
            return;
        }

        _socket.Send(RtnetlinkCodec.Dump(topic)!.Finish(++_sequence));
        _isDumping = true;
    }
}
