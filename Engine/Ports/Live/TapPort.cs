using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>A TAP device of the switch's own: what the host sends into it comes in, what goes out the host receives. As <c>internal</c> port it is the host's own way into the switch.</summary>
public sealed class TapPort : NetDevicePort
{
    private readonly TapDevice[] _devices;
    private readonly TapRxQueue[] _queues;
    private readonly Rtnetlink _net = new();
    private readonly Lock _statistics = new();
    private ulong _dropsBefore;
    private bool _isClosed;
    private int _nextTx;

    private TapPort(uint number, string name, string type, TapDevice[] devices)
        : base(number, name, devices[0].Name)
    {
        Type = type;
        _devices = devices;
        _queues = [.. devices.Select(d => new TapRxQueue(this, d))];

        // A device that was there before may have lost some.
        _dropsBefore = _net.Find(Device)?.TxDropped ?? 0;
    }

    /// <inheritdoc/>
    public override string Type { get; }

    /// <inheritdoc/>
    public override int QueueCount => _queues.Length;

    /// <summary>Makes the device, or takes over one that nobody has open.</summary>
    /// <param name="number">OpenFlow number.</param>
    /// <param name="name">Name of port and device.</param>
    /// <param name="isInternal">Whether its type is <c>internal</c>.</param>
    /// <param name="queueCount">Receive queues.</param>
    /// <param name="setUp">Sets it up; otherwise it stays as it is.</param>
    /// <exception cref="IOException">The system refuses; the message says what.</exception>
    public static TapPort Open(uint number, string name, bool isInternal = false, int queueCount = 1, bool setUp = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(queueCount, 1);
        List<TapDevice> devices = [];
        try
        {
            for (int i = 0; i < queueCount; i++) devices.Add(TapDevice.Open(name, queueCount > 1));
            if (setUp) NetDevice.SetUp(name, isUp: true);
            return new TapPort(number, name, isInternal ? "internal" : "tap", [.. devices]);
        }
        catch
        {
            foreach (TapDevice device in devices) device.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override RxQueue Rx(int queue) => _queues[queue];

    /// <inheritdoc/>
    protected override bool CanMove => true;

    /// <inheritdoc/>
    protected override TxQueue NewTx() => new TapTxQueue(this, _devices[(Interlocked.Increment(ref _nextTx) - 1) % _devices.Length]);

    /// <inheritdoc/>
    protected override PortCounters RxCounters(int queue)
    {
        lock (_statistics)
        {
            // What there was no room for is told for all queues together, and only in the namespace where the device is.
            if (queue == 0 && !_isClosed && !IsGone && _net.Find(Device) is { } link && link.Index == IfIndex && link.TxDropped >= _dropsBefore)
            {
                _queues[0].Counters.Drop(PortDrop.RxKernel, link.TxDropped - _dropsBefore);
                _dropsBefore = link.TxDropped;
            }
        }

        return _queues[queue].Counters;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing) return;
        foreach (TapRxQueue queue in _queues) queue.Dispose();
        lock (_statistics)
        {
            _isClosed = true;
            _net.Dispose();
        }
    }
}
