using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <summary>A controller that the switch connects to, and again when the connection is lost, with a back-off (OVS <c>rconn.c</c>).</summary>
internal sealed class OfDial : IDisposable
{
    private const int FirstBackoffMs = 1000;
    private const int LeastConnectMs = 1000;

    /// <summary>A connection that has lasted so long counts as admitted, whatever was said.</summary>
    private const int AdmittedMs = 30_000;

    private readonly object _lock = new();
    private readonly OfTarget _target;
    private readonly OfTls _tls;
    private readonly Func<IOfSink, OfDial, OfConnection> _session;
    private readonly Action<bool, string> _log;
    private readonly Thread _thread;
    private OfControllerSettings _settings;
    private OfPeer? _peer;
    private Socket? _socket;
    private string? _lastError;
    private long? _connectedMs;
    private long? _disconnectedMs;
    private long _admittedMs = ProcessClock.NowMs;
    private long _resetMs;

    /// <summary>When it is tried again: <see cref="Tick"/> sees that the time has come.</summary>
    private long _untilMs;
    private int _backoffMs;
    private bool _isWaiting;
    private bool _wasGreeted;
    private volatile bool _isEnding;

    /// <summary>Begins to connect.</summary>
    /// <param name="target">Where.</param>
    /// <param name="settings">How.</param>
    /// <param name="tls">Keys, for <c>ssl:</c>.</param>
    /// <param name="session">Makes the connection that speaks.</param>
    /// <param name="log">Takes lines: whether it is a warning, text.</param>
    public OfDial(OfTarget target, OfControllerSettings settings, OfTls tls, Func<IOfSink, OfDial, OfConnection> session, Action<bool, string> log)
    {
        (_target, _settings, _tls, _session, _log) = (target, settings, tls, session, log);
        _thread = new Thread(Run) { Name = "openflow-dial", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Takes what is said with this controller.</summary>
    public OfListeners Listeners { get; } = new();

    /// <summary>The connection, once a version has been agreed on.</summary>
    public OfConnection? Connection => Volatile.Read(ref _peer)?.Session is OfConnection { IsGreeted: true } connection ? connection : null;

    /// <summary>Seconds for which no controller has taken the switch over there; 0 = it has one.</summary>
    public int FailureSeconds
    {
        get
        {
            long nowMs = ProcessClock.NowMs;
            lock (_lock)
            {
                if (Connection is { } connection && (connection.IsAdmitted || nowMs - (_connectedMs ?? nowMs) >= AdmittedMs))
                {
                    _admittedMs = nowMs;
                    return 0;
                }

                return (int)((nowMs - _admittedMs) / 1000);
            }
        }
    }

    /// <summary>Takes other settings; the connection stays, unless its packets are to be marked otherwise.</summary>
    public void Configure(OfControllerSettings settings)
    {
        bool isMarkedOtherwise;
        lock (_lock)
        {
            isMarkedOtherwise = _settings.Dscp != settings.Dscp;
            _settings = settings;
        }

        if (Volatile.Read(ref _peer)?.Session is OfConnection connection) connection.Configure(settings);
        if (isMarkedOtherwise) Volatile.Read(ref _peer)?.Close();
    }

    /// <summary>Ends the connection, and tries again as if it had been lost.</summary>
    public void Reconnect() => Volatile.Read(ref _peer)?.Close();

    /// <summary>Looks whether the connection is still alive, from time to time.</summary>
    public void Tick(long nowMs)
    {
        if (Volatile.Read(ref _peer) is not { } peer)
        {
            lock (_lock)
            {
                if (_isWaiting && nowMs >= _untilMs) Monitor.PulseAll(_lock);
            }

            return;
        }

        peer.Tick(nowMs, _settings.ProbeMs);
        if (_wasGreeted || !peer.Session.IsGreeted) return;
        lock (_lock) (_wasGreeted, _connectedMs) = (true, nowMs);
        _log(false, "connected");
    }

    /// <summary>What has become of it.</summary>
    public OfControllerStatus Status()
    {
        long nowMs = ProcessClock.NowMs;
        lock (_lock)
        {
            OfConnection? connection = Connection;
            SortedDictionary<string, string> pairs = new(StringComparer.Ordinal);
            if (_lastError is not null) pairs["last_error"] = _lastError;
            pairs["state"] = connection is not null ? (_peer!.IsProbed ? "IDLE" : "ACTIVE") : _isWaiting ? "BACKOFF" : "CONNECTING";
            if (_connectedMs is { } connected) pairs["sec_since_connect"] = Seconds(nowMs - connected);
            if (_disconnectedMs is { } disconnected) pairs["sec_since_disconnect"] = Seconds(nowMs - disconnected);
            connection?.AddSchedule(pairs);
            string? role = connection?.Role switch { null => null, 2 => "master", 3 => "slave", _ => "other" };
            return new OfControllerStatus(_target.Text, connection is not null, role, pairs);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isEnding = true;
        lock (_lock)
        {
            _socket?.Dispose();
            Monitor.PulseAll(_lock);
        }

        Volatile.Read(ref _peer)?.Close();
        _thread.Join();
    }

    private static string Seconds(long ms) => (ms / 1000).ToString(CultureInfo.InvariantCulture);

    private void Run()
    {
        while (!_isEnding)
        {
            string why;
            try
            {
                Socket socket = Connect();
                OfPeer peer = new(socket, Open, sink => _session(sink, this));
                lock (_lock)
                {
                    (_socket, _wasGreeted) = (null, false);
                    Volatile.Write(ref _peer, peer);
                }

                if (_isEnding) peer.Close();
                why = peer.Run();
            }
            catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or OperationCanceledException or ArgumentException or UnauthorizedAccessException)
            {
                why = e is OperationCanceledException ? "Connection timed out" : e.Message;
            }

            Wait(why);
        }
    }

    /// <summary>OVS <c>disconnect</c>: what lasted longer than the back-off was a connection; otherwise the wait doubles.</summary>
    private void Wait(string why)
    {
        lock (_lock)
        {
            if (_isEnding) return;
            long nowMs = ProcessClock.NowMs;
            Volatile.Write(ref _peer, null);
            (_socket, _lastError, _disconnectedMs, _isWaiting) = (null, why, nowMs, true);
            bool isFirst = nowMs >= _resetMs;
            bool isLast = !isFirst && _backoffMs >= _settings.MaxBackoffMs;
            if (!isLast) _log(false, _wasGreeted ? $"connection dropped ({why})" : $"connection failed ({why})");
            _wasGreeted = false;
            _backoffMs = isFirst ? FirstBackoffMs : Math.Min(_backoffMs * 2, Math.Max(FirstBackoffMs, _settings.MaxBackoffMs));
            _resetMs = nowMs + (2 * _backoffMs);
            _untilMs = nowMs + _backoffMs;
            while (!_isEnding && ProcessClock.NowMs < _untilMs) Monitor.Wait(_lock);
            _isWaiting = false;
        }
    }

    private Socket Connect()
    {
        EndPoint where = _target.Transport == OfTransport.Unix ? new UnixDomainSocketEndPoint(_target.Address)
            : new IPEndPoint(IPAddress.TryParse(_target.Address, out IPAddress? address) ? address : Dns.GetHostAddresses(_target.Address).FirstOrDefault() ?? throw new IOException($"{_target.Address}: no such host"), _target.Port);
        Socket socket = new(where.AddressFamily, SocketType.Stream, _target.Transport == OfTransport.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        lock (_lock)
        {
            _socket = socket;
            if (_isEnding) socket.Dispose();
        }

        try
        {
            if (where is IPEndPoint ip) OfSockets.Mark(socket, ip.AddressFamily, _settings.Dscp);
            using CancellationTokenSource late = new(Math.Max(LeastConnectMs, _backoffMs));
            socket.ConnectAsync(where, late.Token).AsTask().GetAwaiter().GetResult();
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private Stream Open(Socket socket) => _target.Transport == OfTransport.Tls ? _tls.Client(socket, _target.Address) : new NetworkStream(socket);
}
