using System.Net;
using System.Net.Sockets;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Waits for OpenFlow connections: at a socket that only its owner can use (OVS <c>RUNDIR/BRIDGE.mgmt</c>), or at an address of this host.</summary>
public sealed class OfServer : IDisposable
{
    /// <summary>Connections at a time; for one more the oldest that has said no hello is closed, and where all have, the new one is.</summary>
    public const int MaxConnections = 64;

    private readonly Socket _socket;
    private readonly string? _path;
    private readonly Func<Socket, Stream> _open;
    private readonly Func<IOfSink, IOfSession> _session;
    private readonly Thread _accepting;
    private readonly Lock _lock = new();
    private readonly Dictionary<OfPeer, Thread> _peers = [];
    private volatile OfControllerSettings _settings;
    private volatile bool _end;

    /// <summary>A server that listens.</summary>
    /// <param name="path">Of the socket.</param>
    /// <param name="of">The switch.</param>
    /// <param name="group">Its connections.</param>
    /// <exception cref="IOException">It cannot listen there.</exception>
    public OfServer(string path, IOfSwitch of, OfConnectionGroup group)
        : this(OfTarget.Parse($"punix:{path}"), AnySettings, new OfTls(), sink => new OfConnection(of, sink, group, AnySettings))
    {
    }

    /// <summary>A server that listens.</summary>
    /// <param name="target">Where.</param>
    /// <param name="settings">Of its connections.</param>
    /// <param name="tls">Keys, for <c>pssl:</c>.</param>
    /// <param name="session">Makes what speaks.</param>
    /// <exception cref="IOException">It cannot listen there.</exception>
    internal OfServer(OfTarget target, OfControllerSettings settings, OfTls tls, Func<IOfSink, IOfSession> session)
    {
        (_settings, _session) = (settings, session);
        _open = target.Transport == OfTransport.Tls ? tls.Server : static socket => new NetworkStream(socket);
        _socket = OfSockets.Listen(target, MaxConnections);
        if (target.Transport == OfTransport.Unix) _path = Path.GetFullPath(target.Address);
        else Port = ((IPEndPoint)_socket.LocalEndPoint!).Port;
        _accepting = new Thread(Accept) { Name = "openflow", IsBackground = true };
        _accepting.Start();
    }

    /// <summary>Those of a socket for people: who connects is told of nothing unless he asks.</summary>
    internal static OfControllerSettings AnySettings { get; } = new() { IsService = true, ProbeMs = 60_000 };

    /// <summary>TCP port; 0 = none.</summary>
    public int Port { get; }

    /// <summary>Connections that are open.</summary>
    public int ConnectionCount
    {
        get
        {
            lock (_lock) return _peers.Count;
        }
    }

    /// <summary>Ends all connections and removes the socket.</summary>
    public void Dispose()
    {
        if (_end) return;
        _end = true;
        _socket.Dispose();
        _accepting.Join();
        KeyValuePair<OfPeer, Thread>[] open;
        lock (_lock) open = [.. _peers];
        foreach ((OfPeer peer, _) in open) peer.Close();
        foreach ((_, Thread thread) in open) thread.Join(OfPeer.Patience);
        if (_path is not null) File.Delete(_path);
    }

    /// <summary>Takes other settings.</summary>
    internal void Configure(OfControllerSettings settings)
    {
        _settings = settings;
        lock (_lock)
        {
            foreach (OfPeer peer in _peers.Keys) (peer.Session as OfConnection)?.Configure(settings);
        }
    }

    /// <summary>Looks which connections are still alive, from time to time.</summary>
    internal void Tick(long nowMs)
    {
        lock (_lock)
        {
            foreach (OfPeer peer in _peers.Keys) peer.Tick(nowMs, _settings.ProbeMs);
        }
    }

    private void Accept()
    {
        while (!_end)
        {
            try
            {
                Socket socket = _socket.Accept();
                lock (_lock)
                {
                    if (_peers.Count >= MaxConnections && _peers.Keys.Where(static p => !p.Session.IsGreeted).MinBy(static p => p.SinceMs) is { } silent)
                    {
                        _peers.Remove(silent);
                        silent.Close();
                    }

                    if (_end || _peers.Count >= MaxConnections)
                    {
                        socket.Dispose();
                        continue;
                    }

                    if (socket.RemoteEndPoint is IPEndPoint) OfSockets.Mark(socket, socket.AddressFamily, _settings.Dscp);
                    OfPeer peer = new(socket, _open, _session);
                    Thread thread = new(() => Speak(peer)) { Name = "openflow-in", IsBackground = true };
                    _peers.Add(peer, thread);
                    thread.Start();
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Ended, or out of descriptors for a while.
                if (!_end) Thread.Sleep(10);
            }
        }
    }

    private void Speak(OfPeer peer)
    {
        peer.Run();
        lock (_lock) _peers.Remove(peer);
    }
}
