using System.Net;
using System.Net.Sockets;

namespace Mergeflow.Cli;

/// <summary>
/// Answers <c>GET /metrics</c> with OpenMetrics text while a command runs. One request per connection, its head bounded in size and time, and only so many connections: past that the
/// oldest one is closed, so that whoever asks as one should is answered.
/// </summary>
internal sealed class MetricsServer : IDisposable
{
    private const int MaxConnections = 64;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly MetricStore _store = new();
    private readonly TcpListener _listener;
    private readonly IPAddress _address;
    private readonly CancellationTokenSource _end = new();
    private readonly LinkedList<Socket> _open = [];
    private readonly Thread _thread;

    /// <summary>A server that listens.</summary>
    /// <exception cref="IOException">The address cannot be had.</exception>
    public MetricsServer(MetricsAddress address)
    {
        _address = address.Address;
        _listener = new TcpListener(address.Address, address.Port);
        try
        {
            _listener.Start();
        }
        catch (SocketException e)
        {
            _store.Dispose();
            _end.Dispose();
            _listener.Dispose();
            throw new IOException($"--metrics: {address.Url}: {e.Message}");
        }

        _thread = new Thread(Accept) { Name = "metrics", IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        _thread.Join();
        lock (_open)
        {
            foreach (Socket socket in _open) socket.Dispose();
        }

        _store.Dispose();
        _end.Dispose();
    }

    private void Accept()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                _ = AnswerAsync(_listener.AcceptSocket());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // No descriptor left, or the end: the first passes.
                if (!_end.IsCancellationRequested) Thread.Sleep(10);
            }
        }
    }

    private async Task AnswerAsync(Socket socket)
    {
        Enter(socket);
        try
        {
            using CancellationTokenSource patience = new(s_patience);
            byte[] head = new byte[MetricsRequest.MaxHeadBytes];
            int size = 0;
            while (size < head.Length && head.AsSpan(0, size).IndexOf("\r\n\r\n"u8) < 0)
            {
                int read = await socket.ReceiveAsync(head.AsMemory(size), SocketFlags.None, patience.Token).ConfigureAwait(false);
                if (read == 0) break;
                size += read;
            }

            int end = head.AsSpan(0, size).IndexOf("\r\n\r\n"u8);
            byte[] answer = MetricsRequest.Answer(head.AsSpan(0, end < 0 ? size : end + 4), _address, _store.Text);
            for (int sent = 0; sent < answer.Length;) sent += await socket.SendAsync(answer.AsMemory(sent), SocketFlags.None, patience.Token).ConfigureAwait(false);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Gone, too slow, or one too many.
        }
        finally
        {
            lock (_open) _open.Remove(socket);
            socket.Dispose();
        }
    }

    private void Enter(Socket socket)
    {
        lock (_open)
        {
            _open.AddLast(socket);
            if (_open.Count <= MaxConnections) return;
            Socket oldest = _open.First!.Value;
            _open.RemoveFirst();
            oldest.Dispose();
        }
    }
}
