using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>A port that is a network device of the host.</summary>
public abstract class NetDevicePort : LivePort
{
    private volatile NetDeviceState _state;
    private volatile bool _isGone;
    private long _queuesSinceMs = -1;
    private volatile bool _isElsewhere;
    private readonly ulong _receivedBefore;
    private ulong _receivedAtStart = ulong.MaxValue;

    /// <summary>A port of a device that is there.</summary>
    /// <exception cref="IOException">It is not, or has no Ethernet header.</exception>
    protected NetDevicePort(uint number, string name, string device)
        : base(number, name)
    {
        IfIndex = NetDevice.IndexOf(device);
        if (IfIndex == 0 || NetDevice.Find(IfIndex) is not { } state) throw new IOException($"{device}: no such network device");
        if (!state.IsEthernet) throw new IOException($"{device}: not an Ethernet device");
        _state = state;
        _receivedBefore = DeviceReceived() ?? 0;
    }

    /// <summary>Name of the device: another one once it is renamed.</summary>
    public string Device => _state.Name;

    /// <inheritdoc/>
    public override int MtuBytes => _state.MtuBytes;

    /// <inheritdoc/>
    public override ulong Mac => _state.Mac;

    /// <inheritdoc/>
    public override int IfIndex { get; }

    /// <inheritdoc/>
    public override int? NumaNode => NetDevice.NumaNodeOf(Device);

    /// <inheritdoc/>
    public override bool HasCarrier => !_isGone && (_isElsewhere || _state is { IsUp: true, HasCarrier: true });

    /// <inheritdoc/>
    public override bool IsUp => _isElsewhere || _state.IsUp;

    /// <inheritdoc/>
    public override bool IsGone => _isGone;

    /// <inheritdoc/>
    public override void Refresh()
    {
        if (NetDevice.Find(IfIndex) is { } state) (_state, _isElsewhere) = (state, false);
        else if (CanMove) _isElsewhere = true;
        else _isGone = true;
    }

    /// <summary>A device that is not seen any more may be in another namespace, and works on: only its queues tell whether it is up, or gone.</summary>
    protected virtual bool CanMove => false;

    /// <summary>The port has begun to receive: what the device had received before that is within two numbers.</summary>
    internal void Started() => _receivedAtStart = DeviceReceived() ?? ulong.MaxValue;

    /// <summary>
    /// Frames that the device has received since then, and that nobody has counted who has the given number; negative if it has received fewer. Those on their way are among them. Null = nothing can be said: the device
    /// is not here, the kernel has forwarded some, or puts several together before anybody sees them.
    /// </summary>
    internal long? UncountedOf(PortStatistics s)
    {
        bool isJoined = this is not XdpPort && NetDevice.PutsTogether(Device) != false;
        if (_receivedAtStart == ulong.MaxValue || ByKernel is not null || isJoined || DeviceReceived() is not { } received) return null;
        long counted = (long)(s.RxPackets + s.RxDropped + s.RxLostInKernel), most = (long)(received - _receivedBefore), least = (long)(received - _receivedAtStart);
        return counted < least ? least - counted : counted > most ? most - counted : 0;
    }

    private ulong? DeviceReceived()
    {
        using Rtnetlink net = new();
        return net.Find(Device) is { } link && link.Index == IfIndex ? link.RxPackets : null;
    }

    /// <summary>Since when the kernel has queues there that are the switch's, by <see cref="ProcessClock"/>, ms; null = it has none. Set by control, read by any thread.</summary>
    public long? QueuesSinceMs
    {
        get => Volatile.Read(ref _queuesSinceMs) is >= 0 and var since ? since : null;
        set => Volatile.Write(ref _queuesSinceMs, value ?? -1);
    }

    /// <summary>A queue has seen that the device is gone.</summary>
    internal void Lost() => _isGone = true;
}
