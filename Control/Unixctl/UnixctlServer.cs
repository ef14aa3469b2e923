using System.Net.Sockets;

namespace Mergeflow.Control;

/// <summary>
/// Answers at a control socket (OVS <c>unixctl_server</c>). Each connection has a thread of its own, so one that is slow, or says half a message and no more, keeps nobody waiting; there are
/// only so many, and past that the one that has been idle for longest is closed.
/// </summary>
public sealed class UnixctlServer : IDisposable
{
    /// <summary>Longest request, bytes: 100,000 flows.</summary>
    public const int MaxRequestBytes = 64 << 20;

    /// <summary>Connections at a time.</summary>
    public const int MaxConnections = 32;

    private readonly UnixctlCommands _commands;
    private readonly string _path;
    private readonly int _maxRequestBytes;
    private readonly Socket _socket;
    private readonly CancellationTokenSource _end = new();
    private readonly LinkedList<Connection> _connections = [];
    private readonly Thread _accepting;

    /// <summary>A server that listens.</summary>
    /// <param name="path">Of the socket.</param>
    /// <param name="commands">What it answers.</param>
    /// <param name="patience">How long a reader may take nothing before its connection is closed; null = 10 s.</param>
    /// <param name="maxRequestBytes">Longest request.</param>
    /// <param name="makesFolder">The folder of the socket is made if it is not there.</param>
    /// <exception cref="IOException">It cannot listen there.</exception>
    public UnixctlServer(string path, UnixctlCommands commands, TimeSpan? patience = null, int maxRequestBytes = MaxRequestBytes, bool makesFolder = true)
    {
        (_commands, _path, _maxRequestBytes) = (commands, Path.GetFullPath(path), maxRequestBytes);
        Patience = patience ?? TimeSpan.FromSeconds(10);
        _socket = ControlSocket.Listen(_path, MaxConnections, makesFolder);
        _accepting = new Thread(Accept) { Name = "unixctl", IsBackground = true };
        _accepting.Start();
    }

    /// <summary>Connections that are open.</summary>
    public int ConnectionCount
    {
        get
        {
            lock (_connections) return _connections.Count;
        }
    }

    private TimeSpan Patience { get; }

    /// <summary>Ends all connections and removes the socket; returns when the threads have ended or do nothing but run a command.</summary>
    public void Dispose()
    {
        if (_end.IsCancellationRequested) return;
        _end.Cancel();
        _socket.Dispose();
        _accepting.Join();
        Connection[] open;
        lock (_connections) open = [.. _connections];

        // The one that has asked for the end is still to be answered.
        SpinWait.SpinUntil(() => !Array.Exists(open, static c => c.IsBusy), Patience);
        foreach (Connection connection in open) connection.Socket.Dispose();
        foreach (Connection connection in open) connection.Thread!.Join(Patience);
        File.Delete(_path);
    }

    private void Accept()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                Socket socket = _socket.Accept();
                socket.SendTimeout = (int)Patience.TotalMilliseconds;
                Add(new Connection(socket));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Ended, or out of descriptors for a while.
                if (!_end.IsCancellationRequested) Thread.Sleep(10);
            }
        }
    }

    private void Add(Connection connection)
    {
        lock (_connections)
        {
            if (_connections.Count >= MaxConnections && _connections.FirstOrDefault(static c => !c.IsBusy) is { } idle)
            {
                _connections.Remove(idle);
                idle.Socket.Dispose();
            }

            if (_connections.Count >= MaxConnections || _end.IsCancellationRequested)
            {
                connection.Socket.Dispose();
                return;
            }

            _connections.AddLast(connection);
            connection.Thread = new Thread(() => Serve(connection)) { Name = "unixctl-connection", IsBackground = true };
            connection.Thread.Start();
        }
    }

    private void Serve(Connection connection)
    {
        try
        {
            using NetworkStream stream = new(connection.Socket, ownsSocket: true);
            JsonTextCutter cutter = new(_maxRequestBytes);
            byte[] buffer = new byte[16 << 10];
            for (int n; (n = stream.Read(buffer)) > 0;)
            {
                cutter.Add(buffer.AsSpan(0, n));
                while (cutter.TryTake(out ReadOnlyMemory<byte> text))
                {
                    if (RpcMessage.Parse(text) is not RpcRequest request) return;
                    if (!Answer(connection, stream, request)) return;
                }
            }
        }
#pragma warning disable CA1031 // a client, or a command that goes on for a while, must not take the switch with it
        catch (Exception)
        {
            // It has gone, takes nothing, or does not speak what is spoken here; or the command that has the connection has failed.
        }
#pragma warning restore CA1031
        finally
        {
            lock (_connections) _connections.Remove(connection);
        }
    }

    /// <returns>False when the connection was a command's, and is over.</returns>
    private bool Answer(Connection connection, NetworkStream stream, RpcRequest request)
    {
        Mark(connection, isBusy: true);
        RpcReply reply = _commands.Run(request, out UnixctlStream? takeOver);
        stream.Write(reply.Write());
        takeOver?.Invoke(stream, _end.Token);
        Mark(connection, isBusy: false);
        return takeOver is null;
    }

    /// <summary>The last one in the list has been idle for the shortest time.</summary>
    private void Mark(Connection connection, bool isBusy)
    {
        lock (_connections)
        {
            connection.IsBusy = isBusy;
            if (!isBusy && _connections.Remove(connection)) _connections.AddLast(connection);
        }
    }

    private sealed class Connection(Socket socket)
    {
        public Socket Socket { get; } = socket;

        public Thread? Thread { get; set; }

        public volatile bool IsBusy;
    }
}
