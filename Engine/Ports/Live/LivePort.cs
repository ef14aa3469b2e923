using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>
/// A port with a wire behind it (OVS <c>struct netdev</c>). Control opens and closes it; each receive queue belongs to the packet thread that polls it, each transmit queue to the one it was
/// opened for.
/// </summary>
/// <param name="number">Number in the datapath.</param>
/// <param name="name">Name in the switch.</param>
public abstract class LivePort(uint number, string name) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<TxQueue> _txQueues = [];

    /// <summary>Number in the datapath.</summary>
    public uint Number { get; } = number;

    /// <summary>OpenFlow number; another one where bridges share a datapath.</summary>
    public uint Ofport { get; set; } = number;

    /// <summary>Name in the switch.</summary>
    public string Name { get; } = name;

    /// <summary>When it was made, by <see cref="ProcessClock"/>, ms.</summary>
    public long CreatedMs { get; } = ProcessClock.NowMs;

    /// <summary>Kind, as the command line writes it: <c>system</c>, <c>tap</c>, ...</summary>
    public abstract string Type { get; }

    /// <summary>How frames get between device and switch (<see cref="SystemPort.Datapaths"/>); empty = there is one way only.</summary>
    public virtual string Datapath => "";

    /// <summary>Ways that would have suited the device better, and why they were refused; null = there are none, or the way was asked for.</summary>
    public string? InsteadOf { get; internal set; }

    /// <summary>It joins two datapaths below their OpenFlow pipelines, which do not know it.</summary>
    public virtual bool IsLink => false;

    /// <summary>Receive queues.</summary>
    public abstract int QueueCount { get; }

    /// <summary>Packet threads with a processor of their own poll it, if there are some (OVS <c>netdev_is_pmd</c>).</summary>
    public virtual bool IsPmd => true;

    /// <summary>Memory node that it is at; null = none.</summary>
    public virtual int? NumaNode => null;

    /// <summary>Longest packet behind the Ethernet header, bytes, as of the last <see cref="Refresh"/>.</summary>
    public abstract int MtuBytes { get; }

    /// <summary>Ethernet address, the first byte on the wire highest; 0 = none.</summary>
    public abstract ulong Mac { get; }

    /// <summary>Number of the network device in its namespace; 0 = there is none.</summary>
    public abstract int IfIndex { get; }

    /// <summary>The device is up, and the other end too, as of the last <see cref="Refresh"/>.</summary>
    public abstract bool HasCarrier { get; }

    /// <summary>The device is switched on, as of the last <see cref="Refresh"/>.</summary>
    public virtual bool IsUp => true;

    /// <summary>The device was there and is no longer: it never comes back, a new one of the name is another device.</summary>
    public abstract bool IsGone { get; }

    /// <summary>A receive queue, 0 to <see cref="QueueCount"/> - 1. The port owns it.</summary>
    public abstract RxQueue Rx(int queue);

    /// <summary>Looks at the device again: MTU, address, carrier, whether it is there. From any thread.</summary>
    public abstract void Refresh();

    /// <summary>A transmit queue for one packet thread. The port owns it, and keeps its counters.</summary>
    /// <exception cref="IOException">Refused by the system.</exception>
    public TxQueue OpenTx()
    {
        TxQueue queue = NewTx();
        lock (_lock) _txQueues.Add(queue);
        return queue;
    }

    /// <summary>Tells what the kernel has forwarded of its packets; null = nothing. From any thread.</summary>
    internal Func<PortShare>? ByKernel { get; set; }

    /// <summary>Tells what the kernel has lost of its frames; null = nobody looks. From any thread.</summary>
    internal Func<IReadOnlyList<KernelDrop>>? LostInKernel { get; set; }

    /// <summary>Why rules in the kernel neither take what comes in by the port nor send to it, in a switch that has such rules; null = they do.</summary>
    public string? KernelRefusal { get; internal set; }

    /// <summary>How much it takes in.</summary>
    public IngressLimits Limits { get; private set; }

    /// <summary>What comes in by its queues is kept to a rate from now on; nothing happens if it is so already. By control.</summary>
    internal void Police(IngressLimits limits)
    {
        if (Limits == limits) return;
        Limits = limits;
        IngressPolicer? policer = limits.IsNone ? null : new IngressPolicer(limits);
        for (int q = 0; q < QueueCount; q++) Rx(q).Policer = policer;
    }

    /// <summary>What it has counted, from any thread.</summary>
    public virtual PortStatistics Statistics() => OfQueues();

    /// <summary>What it counts besides, under names of its own (OVS <c>netdev_get_custom_stats</c>), from any thread.</summary>
    public virtual IReadOnlyList<(string Name, ulong Value)> CustomStatistics() => [];

    /// <summary>What all its queues have counted, from any thread.</summary>
    internal PortStatistics OfQueues()
    {
        PortStatistics sum = new();
        for (int i = 0; i < CountedQueues; i++) sum.AddRx(RxCounters(i));
        lock (_lock)
        {
            foreach (TxQueue queue in _txQueues) sum.AddTx(queue.Counters);
        }

        if (ByKernel is { } share) sum.Add(share());
        if (LostInKernel is { } lost) sum.Add(lost());
        return sum;
    }

    /// <summary>Closes it. No packet thread has a queue of it any more.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens a transmit queue.</summary>
    protected abstract TxQueue NewTx();

    /// <summary>Receive queues that it has or has had.</summary>
    protected virtual int CountedQueues => QueueCount;

    /// <summary>What a receive queue has counted, kernel-side drops brought up to date.</summary>
    protected abstract PortCounters RxCounters(int queue);

    /// <summary>Closes the queues.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing) return;
        lock (_lock)
        {
            foreach (TxQueue queue in _txQueues) queue.Dispose();
        }
    }
}
