using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <summary>
/// The packet thread's side of upcalls on handler threads: a packet that misses is parked until its translation comes, later packets of its flow behind it. One upcall of a flow is under way at a time, so
/// what a packet does (a new megaflow, a connection) is there before the next one is looked at.
/// </summary>
internal sealed unsafe class ParkedUpcalls : IDisposable
{
    /// <summary>Flows that wait at most, each with one upcall under way.</summary>
    public const int MostFlows = 256;

    /// <summary>Packets that wait at most, of all flows; packet memory keeps room for others.</summary>
    public const int MostPackets = 1024;

    private readonly UpcallChannel<UpcallRequest>[] _channels;
    private readonly ParkedPackets _packets;

    /// <summary>Where the answer is that the packet goes by which is taken.</summary>
    private UpcallChannel<UpcallRequest>? _current;

    /// <summary>The packets that wait for the handlers behind <paramref name="channels"/>, one for each handler.</summary>
    public ParkedUpcalls(UpcallChannel<UpcallRequest>[] channels, int mostPackets)
    {
        _channels = channels;
        _packets = new ParkedPackets(MostFlows, Math.Min(MostPackets, mostPackets));
    }

    /// <summary>A channel with room for all that may be under way.</summary>
    public static UpcallChannel<UpcallRequest> NewChannel() => new(Enumerable.Range(0, MostFlows).Select(static _ => new UpcallRequest()));

    /// <summary>Packets that wait.</summary>
    public int Count => _packets.Count;

    /// <inheritdoc cref="ParkedPackets.Begun"/>
    public long Begun => _packets.Begun;

    /// <inheritdoc cref="ParkedPackets.HoldsFrom"/>
    public bool HoldsFrom(long begun) => _packets.HoldsFrom(begun);

    /// <inheritdoc cref="ParkedPackets.Holds"/>
    public bool Holds(ulong flow) => _packets.Holds(flow);

    /// <summary>Parks a packet that has not begun its way, behind others of its flow; false if there is no room.</summary>
    public bool TryHold(ulong flow, Packet* p) => _packets.TryAdd(flow, p, isMiss: false, out _, out _);

    /// <summary>Parks a packet that has missed; false if there is no room.</summary>
    public bool TryPark(ulong flow, Packet* p, long nowMs)
    {
        if (!_packets.TryAdd(flow, p, isMiss: true, out int number, out bool asks)) return false;
        if (asks) Ask(number, flow, p, nowMs);
        return true;
    }

    /// <summary>A packet that goes on; <see cref="End"/> has to follow.</summary>
    /// <param name="p">The packet.</param>
    /// <param name="hash">Its flow.</param>
    /// <param name="flow">The same, as <see cref="End"/> takes it.</param>
    /// <param name="answer">What it has waited for; null = it begins its way. Good until <see cref="Release"/>.</param>
    public bool TryTake(out Packet* p, out ulong hash, out int flow, out UpcallRequest? answer)
    {
        p = null;
        (hash, flow, answer) = (0, 0, null);
        foreach (UpcallChannel<UpcallRequest> channel in _channels)
        {
            if (channel.Answered is not { } request) continue;
            (_current, answer, flow) = (channel, request, request.Flow);
            p = _packets.Take(flow, out hash);
            return true;
        }

        if (!_packets.TryNext(out flow)) return false;
        p = _packets.Take(flow, out hash);
        return true;
    }

    /// <summary>The answer has been used: its place may be another's.</summary>
    public void Release()
    {
        _current!.Answered!.Result.ReleaseRecircIds();
        _current.Done();
        _current = null;
    }

    /// <summary>The packet that was taken is through, or here again.</summary>
    public void End(int flow, ulong hash, long nowMs)
    {
        Packet* next = _packets.End(flow);
        if (next != null) Ask(flow, hash, next, nowMs);
    }

    /// <summary>Takes any packet away; null = there is none. Nobody goes on with the others.</summary>
    public Packet* Abandon() => _packets.Abandon();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (UpcallRequest request in _channels.SelectMany(static c => c.Places)) request.Dispose();
    }

    private void Ask(int flow, ulong hash, Packet* p, long nowMs)
    {
        UpcallChannel<UpcallRequest> channel = _channels[hash % (uint)_channels.Length];

        // There is a place for each flow.
        UpcallRequest request = channel.Free!;
        request.Key = UpcallHandler.ExpandKey(p);
        (request.Flow, request.LengthBytes, request.NowMs, request.AskedNs) = (flow, p->LengthBytes, nowMs, MonotonicClock.NowNs);
        channel.Ask();
    }
}
