using System.Diagnostics;

namespace Mergeflow.Native;

/// <summary>Orders to the kernel about interfaces: each call waits for its answer. One thread; the namespace is that of the thread that made it.</summary>
public sealed class Rtnetlink : IDisposable
{
    private const int Route = 0;
    private const int AnswerTimeoutMs = 5000;

    private readonly NetlinkSocket _socket = new(Route, [], 1 << 20);
    private uint _sequence;

    /// <summary>All interfaces.</summary>
    /// <exception cref="IOException">The kernel does not answer.</exception>
    public IReadOnlyList<RtLink> Links()
    {
        List<RtLink> links = [];
        Ask(RtnetlinkCodec.DumpLinks(), told =>
        {
            if (told.Link is { } link) links.Add(link);
        });
        return links;
    }

    /// <summary>The interface of that name; null if there is none.</summary>
    /// <exception cref="IOException">The kernel does not answer.</exception>
    public RtLink? Find(string name)
    {
        RtLink? found = null;
        Ask(RtnetlinkCodec.Find(name), told => found = told.Link ?? found);
        return found;
    }

    /// <summary>Carries out an order of <see cref="RtnetlinkCodec"/>.</summary>
    /// <returns>errno; 0 = done.</returns>
    /// <exception cref="IOException">The kernel does not answer.</exception>
    public int Order(NetlinkWriter request) => Ask(request, static _ => { });

    /// <summary>What the queues of a device have counted that has some of its own (<c>htb</c>), by number.</summary>
    /// <exception cref="IOException">The kernel does not answer.</exception>
    public IReadOnlyList<QueueCounters> Queues(int device)
    {
        List<QueueCounters> queues = [];
        Ask(TrafficControl.DumpClasses(device), (in NetlinkMessage message) =>
        {
            if (QueueCounters.TryRead(message, device, out QueueCounters queue)) queues.Add(queue);
        });
        queues.Sort(static (a, b) => a.Queue.CompareTo(b.Queue));
        return queues;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private delegate void Taker(in NetlinkMessage message);

    private int Ask(NetlinkWriter request, Action<RtEvent> take)
        => Ask(request, (in NetlinkMessage message) =>
        {
            if (RtnetlinkCodec.TryParse(message, out RtEvent? told)) take(told);
        });

    private int Ask(NetlinkWriter request, Taker take)
    {
        _socket.Send(request.Finish(++_sequence));
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            ReadOnlySpan<byte> datagram = _socket.Receive(out bool isLost);
            if (isLost) throw new IOException("rtnetlink: part of an answer is lost");
            NetlinkReader reader = new(datagram);
            while (reader.TryRead(out NetlinkMessage message))
            {
                if (message.Sequence != _sequence) continue;
                if (message.Type is NetlinkMessage.Done or NetlinkMessage.Error) return message.Errno;
                take(message);
            }

            if (!datagram.IsEmpty) continue;
            int leftMs = AnswerTimeoutMs - (int)Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (leftMs <= 0 || !_socket.Wait(leftMs)) throw new IOException($"rtnetlink: no answer within {AnswerTimeoutMs} ms");
        }
    }
}
