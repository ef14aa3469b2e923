using System.Net.Sockets;
using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <summary>
/// A connection with its socket: its owner's thread reads and answers, another one writes, so one that does not read keeps nobody else waiting, and what waits for it is bounded
/// (OVS <c>rconn.c</c>: greeting in time, inactivity probes).
/// </summary>
internal sealed class OfPeer
{
    /// <summary>How long somebody may take nothing before his connection is closed.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>How long what is left may take to go out when nothing more comes in.</summary>
    private const int LastWordsMs = 1000;

    /// <summary>Nobody is given up sooner after a question.</summary>
    private const int LeastAnswerMs = 200;

    /// <summary>How long somebody may take to say hello.</summary>
    private const int GreetingMs = 5000;

    private readonly Socket _socket;
    private readonly Func<Socket, Stream> _open;
    private readonly OfOutbox _outbox = new(Patience);
    private readonly Thread _writer;
    private long _activeMs = ProcessClock.NowMs;
    private volatile bool _isProbed;

    /// <summary>When it was asked, by a clock that nobody moves.</summary>
    private long _probedMs;
    private volatile string? _error;

    /// <summary>A connection that is there; nothing is said before <see cref="Run"/>.</summary>
    /// <param name="socket">Connected; owned.</param>
    /// <param name="open">Makes the stream: a handshake may belong to it.</param>
    /// <param name="session">Makes what speaks.</param>
    public OfPeer(Socket socket, Func<Socket, Stream> open, Func<IOfSink, IOfSession> session)
    {
        (_socket, _open) = (socket, open);
        _socket.SendTimeout = (int)Patience.TotalMilliseconds;
        Session = session(_outbox);
        _writer = new Thread(static state => ((OfPeer)state!).Write()) { Name = "openflow-out", IsBackground = true };
    }

    /// <summary>What speaks.</summary>
    public IOfSession Session { get; }

    /// <summary>When it came, by a clock that nobody moves.</summary>
    public long SinceMs { get; } = Environment.TickCount64;

    /// <summary>It has been asked whether it is there, and has not answered.</summary>
    public bool IsProbed => _isProbed;

    private Stream? Stream { get; set; }

    /// <summary>Speaks until the connection ends.</summary>
    /// <returns>Why it has ended.</returns>
    public string Run()
    {
        bool writes = false;
        try
        {
            Stream = _open(_socket);
            if (Stream is NetworkStream) _outbox.Direct = TryWrite;
            _writer.Start(this);
            writes = true;
            Session.Open();
            byte[] buffer = new byte[64 << 10];
            for (int n; (n = Stream.Read(buffer)) > 0;)
            {
                Volatile.Write(ref _activeMs, ProcessClock.NowMs);
                _isProbed = false;
                if (Session.Receive(buffer.AsSpan(0, n))) continue;
                _error ??= _outbox.IsClosed ? "Connection timed out" : "Protocol error";
                break;
            }

            return _error ??= "End of file";
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or System.Security.Authentication.AuthenticationException or InvalidOperationException)
        {
            return _error ??= e.InnerException is SocketException inner ? inner.Message : e.Message;
        }
#pragma warning disable CA1031 // what somebody says on a connection must not take the switch with it
        catch (Exception e)
        {
            return _error ??= $"internal error: {e.GetType().Name}: {e.Message}";
        }
#pragma warning restore CA1031
        finally
        {
            Session.Close();

            // What it is still to be told, an error for example, goes out first.
            _outbox.End();
            if (writes) _writer.Join(LastWordsMs);
            Close();
            if (writes) _writer.Join();
        }
    }

    /// <summary>Ends it, from any thread.</summary>
    public void Close()
    {
        _outbox.Close();
        try
        {
            // A socket that is closed while a thread reads from it resets the connection otherwise.
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended already.
        }

        _socket.Dispose();
    }

    /// <summary>Looks whether it is still alive, from time to time.</summary>
    /// <param name="nowMs">Time.</param>
    /// <param name="probeMs">Silence after which it is asked; 0 = never.</param>
    public void Tick(long nowMs, int probeMs)
    {
        if (!Session.IsGreeted)
        {
            if (Environment.TickCount64 - SinceMs >= GreetingMs) TimeOut();
        }
        else if (probeMs > 0 && nowMs - Volatile.Read(ref _activeMs) >= probeMs)
        {
            // A clock that is moved by hand leaves nobody time to answer.
            if (_isProbed && Environment.TickCount64 - _probedMs < LeastAnswerMs) return;
            if (_isProbed)
            {
                TimeOut();
                return;
            }

            (_isProbed, _probedMs) = (true, Environment.TickCount64);
            Volatile.Write(ref _activeMs, nowMs);
            Session.Probe();
        }
    }

    /// <summary>A socket that is ready takes a short message whole.</summary>
    private bool TryWrite(ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (!_socket.Poll(0, SelectMode.SelectWrite)) return false;
            while (bytes.Length > 0) bytes = bytes[_socket.Send(bytes)..];
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has gone, and what is written with it.
            return true;
        }
    }

    private void TimeOut()
    {
        _error ??= "Connection timed out";
        Close();
    }

    private void Write()
    {
        try
        {
            while (_outbox.Take() is { } bytes) Stream!.Write(bytes);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // It has gone, or takes nothing.
            _error ??= e.InnerException is SocketException inner ? inner.Message : e.Message;
        }
        finally
        {
            Close();
        }
    }
}
