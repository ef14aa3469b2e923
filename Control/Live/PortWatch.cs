using Mergeflow.Engine.Ports;
using Mergeflow.Native;

namespace Mergeflow.Control;

/// <summary>
/// Keeps the ports of a switch in step with the devices behind them: a link that goes down or comes back, a device that is renamed, one that goes, and one of its name that appears. Only rtnetlink
/// tells all of that: AF_XDP says nothing of a device that is gone, and other sockets have an error for ever.
/// </summary>
public sealed class PortWatch : IDisposable
{
    /// <summary>Devices are looked at so often anyway, ms: not every change of a driver is told.</summary>
    private const int PeriodMs = 1000;

    private readonly LiveSwitch _switch;
    private readonly IReadOnlyList<WatchedPort> _ports;
    private readonly Action<string> _say;
    private readonly RtnetlinkWatch? _links;
    private readonly WakeLatch _latch = new();
    private readonly Lock _lock = new();
    private readonly Thread _thread;
    private volatile bool _end;
    private string? _lastTrouble;

    /// <summary>Opens all ports.</summary>
    /// <param name="live">The switch that they are ports of.</param>
    /// <param name="ports">Which ones.</param>
    /// <param name="say">Takes a line per event.</param>
    /// <exception cref="IOException">A port cannot be opened.</exception>
    public PortWatch(LiveSwitch live, IReadOnlyList<WatchedPort> ports, Action<string> say)
    {
        (_switch, _ports, _say) = (live, ports, say);
        _thread = new Thread(Run) { Name = "ports", IsBackground = true };
        if (ports.Count > 0) _links = new RtnetlinkWatch(RtTopics.Links);
        foreach (WatchedPort port in ports) Open(port);
    }

    /// <summary>The ports, open or waiting for their devices.</summary>
    public IReadOnlyList<WatchedPort> Ports => _ports;

    /// <summary>Starts to watch.</summary>
    public void Start() => _thread.Start();

    /// <summary>Sets a port administratively up or down (OpenFlow <c>OFPPC_PORT_DOWN</c>).</summary>
    public void SetUp(WatchedPort port, bool isUp)
    {
        lock (_lock)
        {
            if (port.IsUp == isUp) return;
            port.IsUp = isUp;
            Follow(port);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _end = true;
        _latch.Set();
        if (_thread.IsAlive) _thread.Join();
        _links?.Dispose();
        _latch.Dispose();
    }

    private void Run()
    {
        PollSet set = new();
        while (!_end)
        {
            bool hasNews = false;
            try
            {
                hasNews = ReadNews();
                Look();
            }
            catch (IOException e)
            {
                // No descriptor, no memory: the next look may have more luck.
                if (e.Message != _lastTrouble) _say($"ports: {e.Message}");
                _lastTrouble = e.Message;
                hasNews = false;
            }

            if (hasNews) continue;
            for (int waitedMs = 0; waitedMs < PeriodMs && !_end && !hasNews; waitedMs += PollSet.LongestMs)
            {
                set.Clear();
                if (_links is not null) set.Add(_links.Descriptor);
                _latch.Announce();
                if (_end)
                {
                    _latch.Cancel();
                    return;
                }

                long beginMs = Environment.TickCount64;
                _latch.Sleep(set);
                hasNews = Environment.TickCount64 - beginMs < PollSet.LongestMs / 2;
            }
        }
    }

    /// <summary>Whether the kernel has told anything: what it is, is looked at.</summary>
    private bool ReadNews()
    {
        bool hasNews = false;
        while (_links?.TryRead(out RtEvent? told) == true)
        {
            hasNews = true;
            if (told.Kind == RtEventKind.Overrun) _links.DumpAgain();
        }

        return hasNews;
    }

    /// <summary>Looks at all devices.</summary>
    private void Look()
    {
        lock (_lock)
        {
            foreach (LivePort gone in _switch.Ports.Refresh(LiveSwitch.NowMs))
            {
                if (_ports.FirstOrDefault(p => p.Port == gone) is not { } port) continue;
                _switch.Ports.Remove(gone.Number, LiveSwitch.NowMs);
                port.Close();
                _say($"port {port.Name} ({port.Number}): its device is gone");
            }

            foreach (WatchedPort port in _ports)
            {
                if (port.Port is null) TryReopen(port);
                else Follow(port);
            }
        }
    }

    private void TryReopen(WatchedPort port)
    {
        if (!port.MayReopen()) return;
        try
        {
            Open(port);
            _say($"port {port.Name} ({port.Number}): its device is back");
        }
        catch (IOException e)
        {
            // It has gone again, or is not ready: the next look tells.
            port.LastError = e.Message;
        }
    }

    private void Open(WatchedPort port)
    {
        LivePort opened = port.Open();
        _switch.Ports.Add(opened, LiveSwitch.NowMs);
        port.Opened(opened);
        if (opened.InsteadOf is { } others) _say($"port {port.Name} ({port.Number}): {opened.Datapath}, not {others}");
        if (!port.IsUp) _switch.Datapath.Ports.SetLink(port.Number, isUp: false, LiveSwitch.NowMs);
    }

    /// <summary>What the port does follows its link and what was ordered.</summary>
    private void Follow(WatchedPort port)
    {
        if (port.Port is not { } live) return;
        if (port.Renamed() is string name) _say($"port {port.Name} ({port.Number}): its device is called {name} now");
        bool carries = live.HasCarrier && port.IsUp;
        if (live.HasCarrier != port.HadCarrier && !port.IsUp) _switch.Datapath.Ports.SetLink(port.Number, isUp: false, LiveSwitch.NowMs);
        port.HadCarrier = live.HasCarrier;
        if (carries == port.Carries) return;
        port.Carries = carries;
        _switch.Datapath.Ports.SetLink(port.Number, carries, LiveSwitch.NowMs);
        _say($"port {port.Name} ({port.Number}): {(carries ? "up" : port.IsUp ? "link down" : "down, as ordered")}");
    }
}
