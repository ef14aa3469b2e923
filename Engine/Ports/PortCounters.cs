namespace Mergeflow.Engine.Ports;

/// <summary>What one queue of a port has counted. Written by the thread of the queue; others read each number whole.</summary>
public sealed class PortCounters
{
    /// <summary>Causes there are.</summary>
    public const int CauseCount = (int)PortDrop.TxRefused + 1;

    private readonly ulong[] _drops = new ulong[CauseCount];

    /// <summary>Packets that came through; a super-frame is one, as in Open vSwitch.</summary>
    public ulong Packets;

    /// <summary>Their bytes.</summary>
    public ulong Bytes;

    /// <summary>Those of them that were super-frames.</summary>
    public ulong SuperFrames;

    /// <summary>Frames that super-frames were cut into to be sent, beyond one each: each frame is counted as a packet, or as lost.</summary>
    public ulong Cut;

    /// <summary>Frames that were lost for a reason.</summary>
    public ulong this[PortDrop cause] => Volatile.Read(ref _drops[(int)cause]);

    /// <summary>One came through.</summary>
    public void Count(int lengthBytes, bool isSuperFrame)
    {
        Packets++;
        Bytes += (uint)lengthBytes;
        if (isSuperFrame) SuperFrames++;
    }

    /// <summary>What queues have counted together, without what was lost.</summary>
    public static PortCounters Sum(IEnumerable<PortCounters> queues)
    {
        PortCounters sum = new();
        foreach (PortCounters queue in queues)
        {
            sum.Packets += Volatile.Read(ref queue.Packets);
            sum.Bytes += Volatile.Read(ref queue.Bytes);
            sum.SuperFrames += Volatile.Read(ref queue.SuperFrames);
            sum.Cut += Volatile.Read(ref queue.Cut);
        }

        return sum;
    }

    /// <summary>Some were lost.</summary>
    public void Drop(PortDrop cause, ulong count = 1) => _drops[(int)cause] += count;
}
