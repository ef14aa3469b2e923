using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <summary>All of OpenFlow that a running switch has: its controllers, and the thread that looks after them and tells them what happens. It sleeps until there is something: see <see cref="WakeLatch"/>.</summary>
public sealed class OfEndpoint : IDisposable
{
    private const int PortPeriodMs = 100;

    /// <summary>Connections are looked after that often, ms: probes, back-off, bundles.</summary>
    private const int TickMs = 50;

    /// <summary>The same where packets wait because their rate is limited, or where somebody moves the clock by hand.</summary>
    private const int ShortTickMs = 4;

    private readonly LiveOfSwitch _switch;
    private readonly bool _tellsPorts;
    private readonly Thread _thread;
    private readonly WakeLatch _latch = new();
    private readonly PollSet _sleep = new();
    private volatile bool _end;

    /// <summary>Without controllers so far.</summary>
    /// <param name="of">The switch.</param>
    /// <param name="tls">Keys.</param>
    /// <param name="log">Takes lines: module, whether it is a warning, text.</param>
    /// <param name="tellsPorts">Ports are looked at, and connections are told of those that come, go and change.</param>
    public OfEndpoint(LiveOfSwitch of, OfTls tls, Action<string, bool, string> log, bool tellsPorts)
    {
        (_switch, _tellsPorts) = (of, tellsPorts);
        Controllers = new OfControllers(of, Group, tls, log);
        of.Watch(Group, _latch);
        Group.Changed = () => _latch.Set();
        _thread = new Thread(Run) { Name = "openflow-events", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Listens at a path.</summary>
    /// <param name="path">Of the socket.</param>
    /// <param name="of">The switch.</param>
    /// <exception cref="IOException">It cannot listen there.</exception>
    public OfEndpoint(string path, LiveOfSwitch of)
        : this(of, new OfTls(), static (_, _, _) => { }, tellsPorts: true)
    {
        if (Controllers.Open($"punix:{path}") is not { } failure) return;
        Dispose();
        throw new IOException(failure);
    }

    /// <summary>The connections.</summary>
    public OfConnectionGroup Group { get; } = new();

    /// <summary>Who may be at their other ends.</summary>
    public OfControllers Controllers { get; }

    /// <summary>Ends all connections.</summary>
    public void Dispose()
    {
        if (_end) return;
        _end = true;
        _latch.Set();
        _thread.Join();
        _switch.Unwatch(_latch);
        Controllers.Dispose();
        _latch.Dispose();
    }

    private void Run()
    {
        long portsDueMs = 0;
        while (!_end)
        {
            long nowMs = ProcessClock.NowMs;
            bool looksAtPorts = _tellsPorts && nowMs >= portsDueMs;
            if (looksAtPorts) portsDueMs = nowMs + PortPeriodMs;
            Controllers.Run(nowMs);
            if (_switch.Tell(Group, looksAtPorts)) continue;
            _sleep.Clear();
            _sleep.AtMost(Controllers.HasWaiting || ProcessClock.IsMoved ? ShortTickMs : TickMs);
            _latch.Announce();
            if (_end || _switch.HasNews || Controllers.HasNews) _latch.Cancel();
            else _latch.Sleep(_sleep);
        }
    }
}
