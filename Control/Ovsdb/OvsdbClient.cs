using System.Net.Sockets;

namespace Mergeflow.Control.Ovsdb;

/// <summary>
/// A connection to a database server that comes back (OVS <c>lib/reconnect.c</c>, <c>lib/jsonrpc.c</c>). A thread of its own connects, waits and reads; all that is said and concluded happens on the thread that calls
/// <see cref="Run"/>, which owns the session and its replica. What has come and has not been taken yet is bounded: past that nothing more is read.
/// </summary>
public sealed class OvsdbClient : IDisposable
{
    /// <summary>Longest message, bytes.</summary>
    public const int MaxMessageBytes = 256 << 20;

    private const int MaxQueuedBytes = 64 << 20;
    private const int SendTimeoutMs = 10_000;

    /// <summary>Silence after which a server is asked whether it is there, and after which as much again it is given up (OVS <c>RECONNECT_DEFAULT_PROBE_INTERVAL</c>).</summary>
    private const int ProbeMs = 5000;

    private readonly OvsdbRemote _remote;
    private readonly Action _wake;
    private readonly Action<string> _log;
    private readonly Queue<Event> _events = new();
    private readonly Thread _thread;
    private readonly OvsdbBackoff _backoff = new();
    private long _queuedBytes;
    private Socket? _socket;
    private long _generation;
    private long _heardMs;
    private bool _isProbing;
    private volatile bool _isEnding;

    /// <summary>Begins to connect.</summary>
    /// <param name="remote">The server.</param>
    /// <param name="session">What is said.</param>
    /// <param name="wake">Called by another thread when there is something for <see cref="Run"/>.</param>
    /// <param name="log">Gets a line when a connection comes or goes.</param>
    public OvsdbClient(OvsdbRemote remote, OvsdbSession session, Action wake, Action<string> log)
    {
        (_remote, Session, _wake, _log) = (remote, session, wake, log);
        _thread = new Thread(Read) { Name = "ovsdb", IsBackground = true };
        _thread.Start();
    }

    /// <summary>What is said and what is known.</summary>
    public OvsdbSession Session { get; }

    /// <summary>There is a connection.</summary>
    public bool IsConnected { get; private set; }

    /// <summary>There is something for <see cref="Run"/>.</summary>
    public bool HasNews
    {
        get
        {
            lock (_events) return _events.Count > 0;
        }
    }

    /// <summary>Takes what has come and sends what is to be said; never waits for the server.</summary>
    /// <param name="nowMs">Time.</param>
    /// <returns>When it is to be called again at the latest, ms from now, if nothing wakes it.</returns>
    public int Run(long nowMs)
    {
        while (TryTake(out Event? told)) Take(told!, nowMs);
        if (!IsConnected) return int.MaxValue;
        if (_remote.NeedsProbes && nowMs - _heardMs >= ProbeMs)
        {
            if (_isProbing) Drop("no answer to a probe");
            else Session.Probe();
            _isProbing = true;
            _heardMs = nowMs;
        }

        Send();
        return _remote.NeedsProbes ? (int)Math.Max(1, ProbeMs - (nowMs - _heardMs)) : int.MaxValue;
    }

    /// <summary>Ends the connection and the thread.</summary>
    public void Dispose()
    {
        _isEnding = true;
        lock (_events)
        {
            _socket?.Dispose();
            Monitor.PulseAll(_events);
        }

        _thread.Join();
    }

    private void Take(Event told, long nowMs)
    {
        if (told.Generation != _generation && told.Kind != EventKind.Connected) return;
        switch (told.Kind)
        {
            case EventKind.Connected:
                _generation = told.Generation;
                (IsConnected, _heardMs, _isProbing) = (true, nowMs, false);
                _log($"{_remote.Text}: connected");
                Session.Connected();
                break;
            case EventKind.Disconnected:
                IsConnected = false;
                Session.Disconnected();
                break;
            case EventKind.Message when IsConnected:
                (_heardMs, _isProbing) = (nowMs, false);
                try
                {
                    Session.Receive(OvsdbMessage.Parse(told.Text));
                }
                catch (OvsdbException e)
                {
                    Drop(e.Message);
                }

                break;
        }
    }

    private void Send()
    {
        while (IsConnected && Session.TryTake(out OvsdbMessage? message))
        {
            try
            {
                Socket? socket = _socket;
                if (socket is null) return;
                ReadOnlySpan<byte> bytes = message!.Write();
                while (bytes.Length > 0) bytes = bytes[socket.Send(bytes)..];
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                Drop(e.Message);
            }
        }
    }

    /// <summary>Nothing more is to be had from this connection; the thread makes another.</summary>
    private void Drop(string why)
    {
        if (!IsConnected) return;
        IsConnected = false;
        Session.Disconnected();
        _log($"{_remote.Text}: connection dropped ({why})");
        lock (_events) _socket?.Dispose();
    }

    private bool TryTake(out Event? told)
    {
        lock (_events)
        {
            if (!_events.TryDequeue(out told)) return false;
            _queuedBytes -= told.Text.Length;
            Monitor.PulseAll(_events);
            return true;
        }
    }

    private void Tell(Event told)
    {
        lock (_events)
        {
            while (_queuedBytes > 0 && _queuedBytes + told.Text.Length > MaxQueuedBytes && !_isEnding) Monitor.Wait(_events);
            _queuedBytes += told.Text.Length;
            _events.Enqueue(told);
        }

        _wake();
    }

    private void Read()
    {
        string? lastFailure = null;
        for (long generation = 1; !_isEnding; generation++)
        {
            try
            {
                using Socket socket = _remote.Connect();
                socket.SendTimeout = SendTimeoutMs;
                lock (_events)
                {
                    _socket = socket;
                    if (_isEnding) return;
                }

                lastFailure = null;
                _backoff.Connected(Environment.TickCount64);
                Tell(new Event(EventKind.Connected, generation));
                ReadMessages(socket, generation);
                _log($"{_remote.Text}: connection closed by peer");
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or UnixctlException)
            {
                if (!_isEnding && e is not ObjectDisposedException && lastFailure != e.Message) _log($"{_remote.Text}: connection failed ({lastFailure = e.Message})");
            }

            lock (_events) _socket = null;
            Tell(new Event(EventKind.Disconnected, generation));
            long untilMs = Environment.TickCount64 + _backoff.Disconnected(Environment.TickCount64);
            lock (_events)
            {
                for (long leftMs; !_isEnding && (leftMs = untilMs - Environment.TickCount64) > 0;) Monitor.Wait(_events, (int)leftMs);
            }
        }
    }

    private void ReadMessages(Socket socket, long generation)
    {
        JsonTextCutter cutter = new(MaxMessageBytes);
        byte[] buffer = new byte[64 << 10];
        for (int n; (n = socket.Receive(buffer)) > 0;)
        {
            cutter.Add(buffer.AsSpan(0, n));
            while (cutter.TryTake(out ReadOnlyMemory<byte> text)) Tell(new Event(EventKind.Message, generation, text.ToArray()));
        }
    }

    private enum EventKind
    {
        Connected,
        Disconnected,
        Message,
    }

    private sealed record Event(EventKind Kind, long Generation, byte[] Text)
    {
        public Event(EventKind kind, long generation)
            : this(kind, generation, [])
        {
        }
    }
}
