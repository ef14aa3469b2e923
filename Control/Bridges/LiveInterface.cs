using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>An interface that is open, and what has been seen of its link.</summary>
internal sealed class LiveInterface
{
    private readonly (string Name, string Version, string Firmware)? _driver;
    private readonly (long BitsPerSecond, bool IsFullDuplex)? _mode;
    private bool _hadLink;

    /// <summary>As it was seen last: a device that has moved to another namespace is not seen.</summary>
    private bool _isUp;
    private int _linkResets;

    public LiveInterface(InterfaceConfig config, LivePort port)
    {
        (Config, Port, _hadLink) = (config, port, port.HasCarrier);
        if (port is not NetDevicePort device) return;
        _driver = NetDevice.DriverOf(device.Device);
        _mode = NetDevice.LinkModeOf(device.Device);
    }

    public InterfaceConfig Config { get; set; }

    public LivePort Port { get; }

    /// <param name="egress">Which way a tunnel takes, as the column <c>status</c> says it; null = nobody knows.</param>
    public InterfaceStatus Status(Func<TunnelPort?, IReadOnlyDictionary<string, string>>? egress = null)
    {
        if (Port is PatchVport patch)
        {
            string? error = !patch.HasPeer ? $"No usable peer '{Config.Options.GetValueOrDefault("peer")}' exists in 'netdev' datapath." : null;
            return new InterfaceStatus { Mac = MacText.Of(Port.Mac), IsUp = true, HasLink = true, Error = error };
        }

        if (Port is TunnelVport tunnel) return new InterfaceStatus { Mac = MacText.Of(Port.Mac), IsUp = true, HasLink = true, Status = egress?.Invoke(tunnel.Tunnel) ?? new SortedDictionary<string, string>() };
        if (Port is DummyPort dummy) return StatusOf(dummy);
        Port.Refresh();
        if (NetDevice.Find(Port.IfIndex) is { } seen) _isUp = seen.IsUp;
        if (Port.HasCarrier != _hadLink) (_hadLink, _linkResets) = (Port.HasCarrier, _linkResets + 1);
        SortedDictionary<string, string> status = new(StringComparer.Ordinal);
        if (_driver is { } driver) (status["driver_name"], status["driver_version"], status["firmware_version"]) = (driver.Name, driver.Version, driver.Firmware);
        return new InterfaceStatus
        {
            Mac = MacText.Of(Port.Mac),
            Mtu = Port.MtuBytes,
            IfIndex = Port.IfIndex,
            IsUp = _isUp,
            HasLink = Port.HasCarrier,
            LinkResets = _linkResets,
            LinkSpeed = _mode is { BitsPerSecond: > 0 } mode ? mode.BitsPerSecond : null,
            IsFullDuplex = _mode?.IsFullDuplex,
            Status = status,
        };
    }

    private InterfaceStatus StatusOf(DummyPort dummy)
    {
        if (dummy.HasCarrier != _hadLink) (_hadLink, _linkResets) = (dummy.HasCarrier, _linkResets + 1);
        return new InterfaceStatus
        {
            Mac = MacText.Of(dummy.Mac),
            Mtu = dummy.MtuBytes,
            IfIndex = dummy.ShownIndex ?? 0,
            IsUp = dummy.HasCarrier,
            HasLink = dummy.HasCarrier,
            LinkResets = _linkResets,
        };
    }

    public SortedDictionary<string, long> Statistics()
    {
        PortStatistics counted = Port.Statistics();
        SortedDictionary<string, long> statistics = new(StringComparer.Ordinal)
        {
            ["rx_packets"] = (long)counted.RxPackets,
            ["rx_bytes"] = (long)counted.RxBytes,
            ["tx_packets"] = (long)counted.TxPackets,
            ["tx_bytes"] = (long)counted.TxBytes,
        };
        foreach ((string name, ulong value) in Port.CustomStatistics()) statistics[name] = (long)value;
        if (Port is NetDevicePort) (statistics["rx_dropped"], statistics["tx_dropped"]) = ((long)(counted.RxDropped + counted.RxLostInKernel), (long)(counted.TxDropped + counted.TxLostInKernel));

        // As ports of DPDK have it in Open vSwitch.
        if (counted[PortDrop.RxPoliced] is var policed && (policed > 0 || !Port.Limits.IsNone)) statistics["ovs_rx_qos_drops"] = (long)policed;
        return statistics;
    }
}
