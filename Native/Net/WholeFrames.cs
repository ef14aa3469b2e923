namespace Mergeflow.Native;

/// <summary>
/// Has a device leave frames as they were on the wire: tags stay in them, and none is put together of several (<c>ethtool -K DEVICE rxvlan off lro off</c>). XDP programs and AF_XDP see neither a tag that the device has
/// taken out nor more than one frame. What was on is on again when this object is disposed; a process that is killed leaves it off.
/// </summary>
public sealed class WholeFrames : IDisposable
{
    private const uint TagsTakenOut = 1 << 8, PutTogether = 1 << 15;

    private readonly string _device;
    private uint _wasOn;

    /// <summary>Switches it off.</summary>
    /// <exception cref="IOException">The device does not do without.</exception>
    public WholeFrames(string device)
    {
        _device = device;
        if (NetDevice.FlagsOf(device) is not { } flags) return;
        uint on = flags & (TagsTakenOut | PutTogether);
        if (on == 0) return;
        if (!NetDevice.TrySetFlags(device, flags & ~on) || (NetDevice.FlagsOf(device) & on) is not 0) throw new IOException("takes tags out of frames, or puts frames together, and cannot be kept from it");
        _wasOn = on;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        uint on = Interlocked.Exchange(ref _wasOn, 0);
        if (on != 0 && NetDevice.FlagsOf(_device) is { } flags) NetDevice.TrySetFlags(_device, flags | on);
    }
}
