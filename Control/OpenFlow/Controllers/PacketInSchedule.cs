namespace Mergeflow.Control.OpenFlow;

/// <summary>
/// Packets for a controller at a limited rate: what does not fit waits, ports in turn, and past a burst the longest queue loses (OVS <c>pinsched.c</c>). For any thread.
/// </summary>
/// <param name="random">Which of several longest queues loses.</param>
internal sealed class PacketInSchedule(Random random)
{
    private const int DefaultRate = 1000;

    /// <summary>Thousandths of a packet in the bucket are counted.</summary>
    private const long TokensPerPacket = 1000;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<uint, Queue<byte[]>> _queues = [];
    private long _tokens;
    private long _filledMs;
    private int _rate;
    private int _burst;
    private uint _lastPort;
    private bool _isFilled;

    /// <summary>Packets that wait.</summary>
    public int Waiting { get; private set; }

    /// <summary>Packets that went out at once.</summary>
    public ulong Bypassed { get; private set; }

    /// <summary>Packets that have had to wait.</summary>
    public ulong Queued { get; private set; }

    /// <summary>Packets that were lost.</summary>
    public ulong Dropped { get; private set; }

    /// <summary>Sets the limits.</summary>
    /// <param name="rate">Packets per second.</param>
    /// <param name="burst">Packets at once; 0 = a quarter of the rate.</param>
    public void Limit(int rate, int burst)
    {
        lock (_lock)
        {
            _rate = rate <= 0 ? DefaultRate : rate;
            _burst = Math.Max(1, burst <= 0 ? _rate / 4 : burst);
            while (Waiting > _burst) DropOne();
        }
    }

    /// <summary>True: the message goes out now; false: it waits, or another one was lost for it.</summary>
    public bool Admits(uint port, ReadOnlySpan<byte> message, long nowMs)
    {
        lock (_lock)
        {
            if (Waiting == 0 && TakeToken(nowMs))
            {
                Bypassed++;
                return true;
            }

            if (Waiting >= _burst) DropOne();
            if (!_queues.TryGetValue(port, out Queue<byte[]>? queue)) _queues.Add(port, queue = new Queue<byte[]>());
            queue.Enqueue(message.ToArray());
            Waiting++;
            Queued++;
            return false;
        }
    }

    /// <summary>The next message whose time has come, ports in turn; null = none.</summary>
    public byte[]? Next(long nowMs)
    {
        lock (_lock)
        {
            if (Waiting == 0 || !TakeToken(nowMs)) return null;
            uint port = _queues.Keys.FirstOrDefault(p => p > _lastPort, _queues.Keys.First());
            _lastPort = port;
            return TakeFrom(port);
        }
    }

    private byte[] TakeFrom(uint port)
    {
        Queue<byte[]> queue = _queues[port];
        byte[] message = queue.Dequeue();
        if (queue.Count == 0) _queues.Remove(port);
        Waiting--;
        return message;
    }

    private void DropOne()
    {
        int most = _queues.Values.Max(static q => q.Count);
        uint[] longest = [.. _queues.Where(q => q.Value.Count == most).Select(static q => q.Key)];
        TakeFrom(longest[random.Next(longest.Length)]);
        Dropped++;
    }

    private bool TakeToken(long nowMs)
    {
        long most = _burst * TokensPerPacket;
        _tokens = _isFilled ? Math.Min(most, _tokens + ((nowMs - _filledMs) * _rate)) : most;
        (_filledMs, _isFilled) = (nowMs, true);
        if (_tokens < TokensPerPacket) return false;
        _tokens -= TokensPerPacket;
        return true;
    }
}
