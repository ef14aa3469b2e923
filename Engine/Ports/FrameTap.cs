using Mergeflow.Engine.Packets;
using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>Where one packet thread's frames are looked at, those that come in and those that leave. Rings are hung in and taken out by that thread, or while it stands still.</summary>
public sealed unsafe class FrameTap
{
    private FrameRing[] _rings = [];
    private long _sequence;

    /// <summary>Somebody looks.</summary>
    public bool IsOn => _rings.Length > 0;

    /// <summary>From now on the ring gets copies.</summary>
    public void Add(FrameRing ring) => _rings = [.. _rings, ring];

    /// <summary>It gets no more.</summary>
    public void Remove(FrameRing ring) => _rings = [.. _rings.Where(r => r != ring)];

    /// <summary>Another one takes its place.</summary>
    public void Exchange(FrameRing ring, FrameRing next) => _rings = Array.ConvertAll(_rings, r => r == ring ? next : r);

    /// <summary>Frames have come in. Each gets a number, by which what leaves because of it is known.</summary>
    public void Received(Packet** packets, int count)
    {
        long ns = 0;
        for (int i = 0; i < count; i++)
        {
            Packet* p = packets[i];
            p->EventIndex = ++_sequence;
            Add(p, p->LengthBytes, p->Key.InPort.Host, FrameDirections.In, ref ns);
        }
    }

    /// <summary>A frame leaves.</summary>
    public void Sent(Packet* packet, uint port, int lengthBytes)
    {
        long ns = 0;
        Add(packet, lengthBytes, port, FrameDirections.Out, ref ns);
    }

    /// <summary>The clock is read when somebody takes a frame, once for a batch.</summary>
    private void Add(Packet* packet, int lengthBytes, uint port, FrameDirections direction, ref long ns)
    {
        foreach (FrameRing ring in _rings)
        {
            if (!ring.Takes(port, direction)) continue;
            if (ns == 0) ns = MonotonicClock.NowNs;
            ring.Add(packet, lengthBytes, port, direction, ns);
        }
    }
}
