using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <summary>All of OpenFlow that a running switch has: its controllers, and the thread that looks after them and tells them what happens.</summary>
public sealed class OfEndpoint : IDisposable
{
    private const int PortPeriodMs = 100;
    private const int LongestPauseMs = 4;

    private readonly LiveOfSwitch _switch;
    private readonly bool _tellsPorts;
    private readonly Thread _thread;
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
        of.Watch(Group);
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
        _thread.Join();
        Controllers.Dispose();
    }

    private void Run()
    {
        long portsDueMs = 0;
        int pauseMs = 1;
        while (!_end)
        {
            long nowMs = ProcessClock.NowMs;
            bool looksAtPorts = _tellsPorts && nowMs >= portsDueMs;
            if (looksAtPorts) portsDueMs = nowMs + PortPeriodMs;
            Controllers.Run(nowMs);
            pauseMs = _switch.Tell(Group, looksAtPorts) ? 0 : Math.Min(LongestPauseMs, pauseMs + 1);
            if (pauseMs > 0) Thread.Sleep(pauseMs);
        }
    }
}
