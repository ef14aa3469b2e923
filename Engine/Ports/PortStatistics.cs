namespace Mergeflow.Engine.Ports;

/// <summary>
/// What a live port has counted, all its queues together, and what the kernel has forwarded by merged rules. A super-frame is one packet, as in Open vSwitch; the kernel counts the frames that it is cut into.
/// </summary>
public sealed record PortStatistics
{
    private readonly ulong[] _drops = new ulong[PortCounters.CauseCount];

    /// <summary>The part of it that never came to this process.</summary>
    public PortShare ByKernel { get; private set; }

    /// <summary>Packets received.</summary>
    public ulong RxPackets { get; private set; }

    /// <summary>Bytes received.</summary>
    public ulong RxBytes { get; private set; }

    /// <summary>Super-frames received.</summary>
    public ulong RxSuperFrames { get; private set; }

    /// <summary>Packets sent.</summary>
    public ulong TxPackets { get; private set; }

    /// <summary>Bytes sent.</summary>
    public ulong TxBytes { get; private set; }

    /// <summary>Super-frames sent as such.</summary>
    public ulong TxSuperFrames { get; private set; }

    /// <summary>Frames that super-frames were cut into to be sent, beyond one each.</summary>
    public ulong TxCut { get; private set; }

    /// <summary>Frames that were lost for a reason.</summary>
    public ulong this[PortDrop cause] => _drops[(int)cause];

    /// <summary>Received frames that were lost, for whatever reason.</summary>
    public ulong RxDropped => Sum(PortDrop.RxRunt, PortDrop.RxKernel);

    /// <summary>Frames that were lost on their way out, for whatever reason.</summary>
    public ulong TxDropped => Sum(PortDrop.TxTooLong, PortDrop.TxRefused);

    /// <summary>What the kernel has lost, by reason, as far as it tells (<see cref="KernelDropWatch"/>).</summary>
    public IReadOnlyList<KernelDrop> InKernel { get; private set; } = [];

    /// <summary>Received frames that the kernel has lost for a reason of its own, and that no other number has.</summary>
    public ulong RxLostInKernel => SumInKernel(isReceived: true, isCounted: false);

    /// <summary>Packets sent, and counted as sent, that the kernel has lost behind that.</summary>
    public ulong TxLostInKernel
    {
        get
        {
            ulong perhaps = SumInKernel(isReceived: false, isCounted: true);
            return SumInKernel(isReceived: false, isCounted: false) + perhaps - Math.Min(perhaps, this[PortDrop.TxFull]);
        }
    }

    /// <summary>Takes over what the kernel has lost.</summary>
    internal void Add(IReadOnlyList<KernelDrop> drops) => InKernel = drops;

    /// <summary>Adds what the kernel has forwarded.</summary>
    internal void Add(PortShare share)
    {
        ByKernel = share;
        RxPackets += share.RxPackets;
        RxBytes += share.RxBytes;
        TxPackets += share.TxPackets;
        TxBytes += share.TxBytes;
    }

    /// <summary>Adds a receive queue.</summary>
    internal void AddRx(PortCounters queue)
    {
        RxPackets += Volatile.Read(ref queue.Packets);
        RxBytes += Volatile.Read(ref queue.Bytes);
        RxSuperFrames += Volatile.Read(ref queue.SuperFrames);
        AddDrops(queue);
    }

    /// <summary>Adds a transmit queue.</summary>
    internal void AddTx(PortCounters queue)
    {
        TxPackets += Volatile.Read(ref queue.Packets);
        TxBytes += Volatile.Read(ref queue.Bytes);
        TxSuperFrames += Volatile.Read(ref queue.SuperFrames);
        TxCut += Volatile.Read(ref queue.Cut);
        AddDrops(queue);
    }

    private void AddDrops(PortCounters queue)
    {
        for (int i = 0; i < _drops.Length; i++) _drops[i] += queue[(PortDrop)i];
    }

    private ulong SumInKernel(bool isReceived, bool isCounted)
    {
        ulong sum = 0;
        foreach (KernelDrop drop in InKernel)
        {
            if (drop.IsReceived == isReceived && drop.IsCounted == isCounted) sum += drop.Count;
        }

        return sum;
    }

    private ulong Sum(PortDrop first, PortDrop last)
    {
        ulong sum = 0;
        for (int i = (int)first; i <= (int)last; i++) sum += _drops[i];
        return sum;
    }
}

/// <summary>Packets and bytes of a port that somebody else has forwarded.</summary>
public readonly record struct PortShare(ulong RxPackets, ulong RxBytes, ulong TxPackets, ulong TxBytes);
