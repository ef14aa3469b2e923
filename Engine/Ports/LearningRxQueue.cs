using System.Buffers.Binary;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Frames at a rate, each from an address that nobody has seen so far, to one that was the source of an earlier frame: each is learned, and looked up once.</summary>
/// <param name="frame">What else is in them; its addresses are overwritten.</param>
/// <param name="inPort">Where they arrive.</param>
public sealed unsafe class LearningRxQueue(byte[] frame, uint inPort) : RxQueue
{
    /// <summary>Frames between the one that is learned and the one that is sent there.</summary>
    private const uint Distance = 100;

    /// <summary>What is late comes in this many frames at a time.</summary>
    private const int MostAtOnce = 4;

    private readonly byte[] _frame = [.. frame];
    private long _startNs;
    private double _perSecond;
    private long _sent;
    private uint _address;

    /// <summary>Begins with <paramref name="perSecond"/> frames per second; 0 = none. For any thread, between two rates once.</summary>
    public void Begin(double perSecond)
    {
        Volatile.Write(ref _perSecond, 0);
        (_startNs, _sent) = (MonotonicClock.NowNs, 0);
        Volatile.Write(ref _perSecond, perSecond);
    }

    /// <inheritdoc/>
    public override int Receive(PacketPool pool, Packet** batch, int max)
    {
        double perSecond = Volatile.Read(ref _perSecond);
        if (perSecond == 0) return 0;
        long due = (long)((MonotonicClock.NowNs - _startNs) * perSecond / 1e9) - _sent;
        int n = 0;
        for (; n < Math.Min(Math.Min(due, max), MostAtOnce); n++)
        {
            Packet* p = pool.Rent();
            if (p == null) break;
            BinaryPrimitives.WriteUInt32BigEndian(_frame.AsSpan(8), _address);
            BinaryPrimitives.WriteUInt32BigEndian(_frame.AsSpan(2), _address++ - Distance);
            pool.Load(p, _frame, inPort);
            batch[n] = p;
        }

        _sent += n;
        return n;
    }
}
