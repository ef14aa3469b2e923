using System.Net.Sockets;

namespace Mergeflow.Control.OpenFlow;

/// <summary>
/// Listens for OpenFlow at a socket that only its owner can use (OVS <c>RUNDIR/BRIDGE.mgmt</c>). Each connection has two threads, one that reads and answers and one that writes, so one that does
/// not read keeps nobody waiting, and what waits for it is bounded.
/// </summary>
public sealed class OfServer : IDisposable
{
    /// <summary>Connections at a time; more are closed at once.</summary>
    public const int MaxConnections = 64;

    /// <summary>How long somebody may take nothing before his connection is closed.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly string _path;
    private readonly Socket _socket;
    private readonly IOfSwitch _switch;
    private readonly OfConnectionGroup _group;
    private readonly Thread _accepting;
    private readonly Lock _lock = new();
    private readonly HashSet<Peer> _peers = [];
    private volatile bool _end;

    /// <summary>A server that listens.</summary>
    /// <param name="path">Of the socket.</param>
    /// <param name="of">The switch.</param>
    /// <param name="group">Its connections.</param>
    /// <exception cref="IOException">It cannot listen there.</exception>
    public OfServer(string path, IOfSwitch of, OfConnectionGroup group)
    {
        (_path, _switch, _group) = (Path.GetFullPath(path), of, group);
        _socket = ControlSocket.Listen(_path, MaxConnections);
        _accepting = new Thread(Accept) { Name = "openflow", IsBackground = true };
        _accepting.Start();
    }

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
        Peer[] open;
        lock (_lock) open = [.. _peers];
        foreach (Peer peer in open) peer.Close();
        foreach (Peer peer in open) peer.Join(s_patience);
        File.Delete(_path);
    }

    private void Accept()
    {
        while (!_end)
        {
            try
            {
                Socket socket = _socket.Accept();
                socket.SendTimeout = (int)s_patience.TotalMilliseconds;
                Peer peer = new(socket, _switch, _group, Forget);
                lock (_lock)
                {
                    if (_end || _peers.Count >= MaxConnections)
                    {
                        socket.Dispose();
                        continue;
                    }

                    _peers.Add(peer);
                }

                peer.Start();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Ended, or out of descriptors for a while.
                if (!_end) Thread.Sleep(10);
            }
        }
    }

    private void Forget(Peer peer)
    {
        lock (_lock) _peers.Remove(peer);
    }

    /// <summary>One connection with its threads.</summary>
    private sealed class Peer
    {
        private readonly Socket _socket;
        private readonly OfConnection _connection;
        private readonly OfOutbox _outbox = new(s_patience);
        private readonly Action<Peer> _ended;
        private readonly Thread _reader;
        private readonly Thread _writer;

        public Peer(Socket socket, IOfSwitch of, OfConnectionGroup group, Action<Peer> ended)
        {
            (_socket, _ended) = (socket, ended);
            _connection = new OfConnection(of, _outbox, group);
            _reader = new Thread(Read) { Name = "openflow-in", IsBackground = true };
            _writer = new Thread(Write) { Name = "openflow-out", IsBackground = true };
        }

        public void Start()
        {
            _writer.Start();
            _reader.Start();
        }

        public void Close()
        {
            _outbox.Close();
            _socket.Dispose();
        }

        public void Join(TimeSpan most)
        {
            _reader.Join(most);
            _writer.Join(most);
        }

        private void Read()
        {
            try
            {
                _connection.Open();
                var buffer = new byte[64 << 10];
                for (int n; (n = _socket.Receive(buffer)) > 0;)
                {
                    if (!_connection.Receive(buffer.AsSpan(0, n))) break;
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // It has gone.
            }
            finally
            {
                _connection.Close();

                // What it is still to be told, an error for example, goes out first.
                _outbox.End();
            }
        }

        private void Write()
        {
            try
            {
                while (_outbox.Take() is { } bytes)
                {
                    for (int at = 0; at < bytes.Count;) at += _socket.Send(bytes[at..]);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // It has gone, or takes nothing.
            }
            finally
            {
                Close();
                _ended(this);
            }
        }
    }
}
