using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>A port that is a network device of the host.</summary>
public abstract class NetDevicePort : LivePort
{
    private volatile NetDeviceState _state;
    private volatile bool _isGone;
    private volatile bool _isElsewhere;

    /// <summary>A port of a device that is there.</summary>
    /// <exception cref="IOException">It is not, or has no Ethernet header.</exception>
    protected NetDevicePort(uint number, string name, string device)
        : base(number, name)
    {
        IfIndex = NetDevice.IndexOf(device);
        if (IfIndex == 0 || NetDevice.Find(IfIndex) is not { } state) throw new IOException($"{device}: no such network device");
        if (!state.IsEthernet) throw new IOException($"{device}: not an Ethernet device");
        _state = state;
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

    /// <summary>A queue has seen that the device is gone.</summary>
    internal void Lost() => _isGone = true;
}
