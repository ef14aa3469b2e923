using Mergeflow.Engine.Ports;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>What is behind the dummy ports of a switch: writes what goes out of them to where it goes (<see cref="DummyPort.Drain"/>), and connects them to each other by sockets. A thread of its own.</summary>
public sealed class DummyWire : IDisposable
{
    private readonly WakeLatch _latch = new();
    private readonly Thread _thread;
    private volatile DummyEnd[] _ends = [];
    private volatile bool _isEnding;

    /// <summary>A wire without ports.</summary>
    public DummyWire()
    {
        _thread = new Thread(Run) { Name = "dummy-wire", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The ports.</summary>
    public IEnumerable<DummyPort> Ports => _ends.Select(static e => e.Port);

    /// <summary>A port by its name in the switch; null = there is none.</summary>
    public DummyPort? Find(string name) => _ends.FirstOrDefault(e => e.Port.Name == name)?.Port;

    /// <summary>Whether the socket of a port is connected; null = it has none that connects.</summary>
    public bool? IsConnected(DummyPort port) => _ends.FirstOrDefault(e => e.Port == port)?.Stream is { IsActive: true } stream ? stream.IsConnected : null;

    /// <summary>A port comes. For one thread, as <see cref="Remove"/> and <see cref="Configure"/>.</summary>
    public void Add(DummyPort port)
    {
        port.Reader = _latch;
        _ends = [.. _ends, new DummyEnd(port)];
    }

    /// <summary>A port goes.</summary>
    public void Remove(DummyPort port)
    {
        foreach (DummyEnd gone in _ends.Where(e => e.Port == port)) gone.Stream?.Dispose();
        _ends = [.. _ends.Where(e => e.Port != port)];
    }

    /// <summary>What the database says of a port (OVS <c>netdev_dummy_set_config</c>).</summary>
    /// <returns>Lines about what cannot be done.</returns>
    public IEnumerable<string> Configure(DummyPort port, IReadOnlyDictionary<string, string> options)
    {
        List<string> failures = [];
        port.ShownIndex = int.TryParse(options.GetValueOrDefault("ifindex"), out int index) && index >= 0 ? index : null;
        port.SetNumaNode(int.TryParse(options.GetValueOrDefault("numa_id"), out int node) ? node : 0);
        try
        {
            string? both = options.GetValueOrDefault("pcap");
            port.Capture(both ?? options.GetValueOrDefault("rxq_pcap"), both ?? options.GetValueOrDefault("tx_pcap"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            failures.Add($"{port.Name}: {e.Message}");
        }

        string? passive = options.GetValueOrDefault("pstream"), active = options.GetValueOrDefault("stream");
        DummyEnd? end = _ends.FirstOrDefault(e => e.Port == port);
        if (passive is not null && active is not null) failures.Add($"Open failed: both {passive} and {active} are configured");
        else if (end is not null && end.Stream?.Name != (passive ?? active))
        {
            end.Stream?.Dispose();
            end.Stream = null;
            try
            {
                if ((passive ?? active) is { } name) end.Stream = new DummyStream(port, name, isActive: active is not null);
            }
            catch (IOException e)
            {
                failures.Add(e.Message);
            }
        }

        return failures;
    }

    /// <summary>Writes what has gone out until now; true if there was something.</summary>
    public bool Drain()
    {
        bool hadSome = false;
        foreach (DummyEnd end in _ends) hadSome |= end.Port.Drain();
        return hadSome;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isEnding) return;
        _isEnding = true;
        _latch.Set();
        _thread.Join();
        foreach (DummyEnd end in _ends) end.Stream?.Dispose();
        _latch.Dispose();
    }

    private void Run()
    {
        PollSet set = new();
        while (!_isEnding)
        {
            if (Drain()) continue;
            set.Clear();
            _latch.Announce();
            if (_isEnding || Drain()) _latch.Cancel();
            else _latch.Sleep(set);
        }
    }

    private sealed class DummyEnd(DummyPort port)
    {
        public DummyPort Port { get; } = port;

        public DummyStream? Stream { get; set; }
    }
}
