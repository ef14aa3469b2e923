using Mergeflow.Engine.Ports;
using Mergeflow.Native;

namespace Mergeflow.Control;

/// <summary>A port that was asked for, and what is there of it.</summary>
/// <param name="name">In the switch.</param>
/// <param name="number">OpenFlow number.</param>
/// <param name="type">What is behind it.</param>
/// <param name="open">Opens it; again when its device has gone and one of its name is there.</param>
/// <param name="device">Device that it waits for once it has gone; null = it does not come back.</param>
public sealed class WatchedPort(string name, uint number, string type, Func<LivePort> open, string? device)
{
    private string? _deviceName;

    /// <summary>In the switch.</summary>
    public string Name => name;

    /// <summary>OpenFlow number.</summary>
    public uint Number => number;

    /// <summary>What is behind it.</summary>
    public string Type => type;

    /// <summary>What is open; null = its device is gone.</summary>
    public LivePort? Port { get; private set; }

    /// <summary>Nobody has ordered it down.</summary>
    public bool IsUp { get; internal set; } = true;

    /// <summary>Packets pass: its link is there, and nobody has ordered it down.</summary>
    public bool Carries { get; internal set; }

    /// <summary>Its link was there when it was looked at last.</summary>
    internal bool HadCarrier { get; set; }

    /// <summary>Why it could not be opened again, the last time.</summary>
    public string? LastError { get; internal set; }

    internal LivePort Open() => open();

    internal void Opened(LivePort port)
    {
        (Port, LastError, HadCarrier, Carries) = (port, null, port.HasCarrier, port.HasCarrier && IsUp);
        _deviceName = (port as NetDevicePort)?.Device;
    }

    internal void Close() => (Port, Carries) = (null, false);

    internal bool MayReopen() => device is not null && NetDevice.IndexOf(device) != 0;

    /// <summary>The device's new name, once; null = it has the name that it had.</summary>
    internal string? Renamed()
    {
        string? now = (Port as NetDevicePort)?.Device;
        if (now == _deviceName) return null;
        _deviceName = now;
        return now;
    }
}
