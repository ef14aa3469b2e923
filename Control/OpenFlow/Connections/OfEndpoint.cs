namespace Mergeflow.Control.OpenFlow;

/// <summary>All of OpenFlow that a running switch has: where others connect, and the thread that tells them what happens.</summary>
public sealed class OfEndpoint : IDisposable
{
    private const int PortPeriodMs = 100;
    private const int LongestPauseMs = 4;

    private readonly LiveOfSwitch _switch;
    private readonly bool _tellsPorts;
    private readonly OfServer _server;
    private readonly Thread _thread;
    private volatile bool _end;

    /// <summary>Listens at a path.</summary>
    /// <param name="path">Of the socket.</param>
    /// <param name="of">The switch.</param>
    /// <param name="group">Its connections; null = those of this endpoint.</param>
    /// <param name="tellsPorts">Ports are looked at, and connections are told of those that come, go and change.</param>
    /// <exception cref="IOException">It cannot listen there.</exception>
    public OfEndpoint(string path, LiveOfSwitch of, OfConnectionGroup? group = null, bool tellsPorts = true)
    {
        (_switch, _tellsPorts, Group) = (of, tellsPorts, group ?? new OfConnectionGroup());
        of.Watch(Group);
        _server = new OfServer(path, of, Group);
        _thread = new Thread(Run) { Name = "openflow-events", IsBackground = true };
        _thread.Start();
    }

    /// <summary>The connections.</summary>
    public OfConnectionGroup Group { get; }

    /// <summary>Ends all connections.</summary>
    public void Dispose()
    {
        if (_end) return;
        _end = true;
        _thread.Join();
        _server.Dispose();
    }

    private void Run()
    {
        long portsDueMs = 0;
        int pauseMs = 1;
        while (!_end)
        {
            long nowMs = Environment.TickCount64;
            bool looksAtPorts = _tellsPorts && nowMs >= portsDueMs;
            if (looksAtPorts) portsDueMs = nowMs + PortPeriodMs;
            pauseMs = _switch.Tell(Group, looksAtPorts) ? 0 : Math.Min(LongestPauseMs, pauseMs + 1);
            if (pauseMs > 0) Thread.Sleep(pauseMs);
        }
    }
}
