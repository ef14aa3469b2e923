using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Ports;

/// <summary>Sends one packet thread's packets by live ports. Ports are added and removed by that thread, or before it starts.</summary>
public sealed unsafe class LivePortSink : IPacketSink
{
    private TxQueue?[] _queues = [];
    private TxQueue[] _waiting = new TxQueue[4];
    private int _waitingCount;

    /// <summary>Where what leaves is looked at.</summary>
    public FrameTap Tap { get; } = new();

    /// <summary>Packets to ports that are not here.</summary>
    public ulong NoPort { get; private set; }

    /// <summary>From now on packets to the port go there.</summary>
    public void Add(uint port, TxQueue queue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, (uint)ushort.MaxValue);
        if (port >= _queues.Length) Array.Resize(ref _queues, (int)port + 1);
        _queues[port] = queue;
        int count = _queues.Count(static q => q is not null);
        if (count > _waiting.Length) Array.Resize(ref _waiting, 2 * count);
    }

    /// <summary>From now on packets to the port are lost; what waits is sent. Returns the queue, or null if there was none.</summary>
    public TxQueue? Remove(uint port)
    {
        Flush();
        if (port >= _queues.Length) return null;
        TxQueue? queue = _queues[port];
        _queues[port] = null;
        return queue;
    }

    /// <inheritdoc/>
    public void Transmit(Packet* packet, uint port, int lengthBytes)
    {
        TxQueue? queue = port < _queues.Length ? _queues[port] : null;
        if (queue is null)
        {
            NoPort++;
            return;
        }

        if (!queue.IsWaiting)
        {
            queue.IsWaiting = true;
            _waiting[_waitingCount++] = queue;
        }

        if (Tap.IsOn) Tap.Sent(packet, port, lengthBytes);
        queue.Send(packet, lengthBytes);
    }

    /// <inheritdoc/>
    public void Flush()
    {
        for (int i = 0; i < _waitingCount; i++)
        {
            _waiting[i].IsWaiting = false;
            _waiting[i].Flush();
        }

        _waitingCount = 0;
    }
}
