using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Runtime;

namespace Mergeflow.Control.Bridges;

/// <summary>
/// A datapath that people have made by hand (<c>dpctl/add-dp</c>): its ports and megaflows are put in by hand too, and no bridge is in it. Packets that find no megaflow are lost. For the thread that makes bridges.
/// </summary>
public sealed class ManualDatapath : IDisposable
{
    /// <summary>Number of the port that bears the datapath's name (OVS <c>ODPP_LOCAL</c>).</summary>
    public const uint Local = 0;

    private readonly LiveBridgeHost _host;
    private readonly SortedDictionary<uint, LivePort> _ports = [];

    internal ManualDatapath(LiveBridgeHost host, string type, string name)
    {
        (_host, FullName) = (host, $"{type}@{name}");
        bool isDummy = host.IsDummyDatapath(type);
        LiveSwitch live = BridgeSwitch.NewManual(host, type);
        Live = new LiveDatapath(live, isDummy, host.PmdsOf(live));
        try
        {
            Live.Datapath.ServeByHand();
            Live.Live.Start();
            Add(name, isDummy ? "dummy-internal" : "internal", Local);
        }
        catch
        {
            Live.Dispose();
            throw;
        }
    }

    /// <summary><c>TYPE@NAME</c>.</summary>
    public string FullName { get; }

    /// <summary>What runs.</summary>
    public LiveDatapath Live { get; }

    /// <summary>Its ports by number.</summary>
    public IReadOnlyDictionary<uint, LivePort> Ports => _ports;

    /// <summary>No port without a device has frames that no packet thread has taken. Any thread.</summary>
    public bool IsIdle => Live.Live.Ports.All.All(static p => p is DummyPort { IsIdle: true } or not DummyPort);

    /// <summary>The number of a port by its name; null = there is none.</summary>
    public uint? NumberOf(string name)
    {
        foreach ((uint number, LivePort port) in _ports)
        {
            if (port.Name == name) return number;
        }

        return null;
    }

    /// <summary>A port comes.</summary>
    /// <param name="name">Of the device, or of a port without one.</param>
    /// <param name="type"><c>system</c>, <c>internal</c>, <c>tap</c>, or a type without devices.</param>
    /// <param name="number">In the datapath; null = one that is free.</param>
    /// <exception cref="IOException">It cannot be opened, or there is a port of that name or number.</exception>
    public void Add(string name, string type, uint? number)
    {
        if (NumberOf(name) is not null || (number is { } taken && _ports.ContainsKey(taken))) throw new IOException("File exists");

        // Its own port may be called as a bridge is, which frames by that name are for then.
        if (number != Local && _host.Wire?.Find(name) is not null) throw new IOException("Device or resource busy");
        uint place = Live.TryTake(name, number) ?? throw new IOException("File exists");
        LivePort port;
        try
        {
            port = Open(name, type, place);
            Live.Live.Ports.Add(port, LiveSwitch.NowMs);
        }
        catch
        {
            Live.Release(place);
            throw;
        }

        _ports.Add(port.Number, port);
        if (port is DummyPort dummy && _host.Wire!.Find(name) is null) _host.Wire.Add(dummy);
        _host.Assign(Live, LiveSwitch.NowMs);
    }

    /// <summary>A port goes; false if there is none of that number.</summary>
    public bool Remove(uint number)
    {
        if (!_ports.Remove(number, out LivePort? port)) return false;
        if (port is DummyPort dummy && ReferenceEquals(_host.Wire!.Find(dummy.Name), dummy)) _host.Wire.Remove(dummy);
        Live.Live.Ports.Remove(number, LiveSwitch.NowMs);
        Live.Release(number);
        _host.Assign(Live, LiveSwitch.NowMs);
        return true;
    }

    /// <summary>Every batch that was under way has ended on return. Any thread; a datapath that goes meanwhile has none.</summary>
    public void EndBatches()
    {
        try
        {
            Live.Datapath.EndBatches();
        }
        catch (ObjectDisposedException)
        {
            // It has gone.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (uint number in _ports.Keys.ToArray()) Remove(number);
        Live.Dispose();
    }

    private LivePort Open(string name, string type, uint number)
    {
        LivePort port = type switch
        {
            "dummy" or "dummy-internal" or "dummy-pmd" when _host.Wire is not null => new DummyPort(number, name, type, queues: 1),
            "system" when _host.IsSystemDisabled || Native.NetDevice.IndexOf(name) == 0 => throw new IOException("No such device"),
            "system" => new PacketSocketPort(number, name),
            "internal" or "tap" when !_host.IsSystemDisabled => TapPort.Open(number, name, isInternal: type == "internal", setUp: true),
            _ => throw new IOException("Address family not supported by protocol"),
        };
        port.Ofport = number == Local ? OfportAllocator.Local : number;
        return port;
    }
}
