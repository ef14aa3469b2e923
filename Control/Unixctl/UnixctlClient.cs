using System.Net.Sockets;
using Mergeflow.Native;

namespace Mergeflow.Control;

/// <summary>Asks a running switch (OVS <c>unixctl_client_transact</c>). For one thread.</summary>
public sealed class UnixctlClient : IDisposable
{
    /// <summary>Longest answer, bytes.</summary>
    public const int MaxReplyBytes = 1 << 30;

    private readonly string _path;
    private readonly NetworkStream _stream;
    private readonly JsonTextCutter _cutter = new(MaxReplyBytes);
    private int _lastId;

    /// <summary>Connects.</summary>
    /// <param name="path">Of the socket.</param>
    /// <exception cref="IOException">There is no switch.</exception>
    public UnixctlClient(string path) => (_path, _stream) = (path, new NetworkStream(ControlSocket.Connect(path), ownsSocket: true));

    /// <summary>Has a command run and returns its answer.</summary>
    /// <exception cref="IOException">The switch has gone, or does not speak what is spoken here.</exception>
    public RpcReply Transact(string method, IReadOnlyList<string> arguments)
    {
        try
        {
            _stream.Write(new RpcRequest(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{_lastId++}"), method, arguments).Write());
            byte[] buffer = new byte[16 << 10];
            for (; ; )
            {
                if (_cutter.TryTake(out ReadOnlyMemory<byte> text)) return RpcMessage.Parse(text) as RpcReply ?? throw new UnixctlException("no reply");
                int n = _stream.Read(buffer);
                if (n == 0) throw new IOException($"{_path}: the switch has ended the connection");
                _cutter.Add(buffer.AsSpan(0, n));
            }
        }
        catch (UnixctlException e)
        {
            throw new IOException($"{_path}: {e.Message}", e);
        }
        catch (IOException e) when (e.InnerException is SocketException)
        {
            throw new IOException($"{_path}: the switch has ended the connection", e);
        }
    }

    /// <summary>Has a command run that answers with the connection.</summary>
    /// <returns>What comes; ends with the command or the switch.</returns>
    /// <exception cref="IOException">As <see cref="Transact"/>.</exception>
    /// <exception cref="UnixctlException">The switch says why not.</exception>
    public Stream Open(string method, IReadOnlyList<string> arguments)
    {
        RpcReply reply = Transact(method, arguments);
        return reply.Error is string error ? throw new UnixctlException(error.TrimEnd('\n')) : new PushBackStream(_cutter.TakeRest(), _stream);
    }

    /// <summary>Ends this side of the connection: a command that goes on for a while comes to its end. From any thread.</summary>
    public void SayNoMore()
    {
        try
        {
            _stream.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();
}
