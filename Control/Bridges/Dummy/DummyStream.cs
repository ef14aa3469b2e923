using System.Buffers.Binary;
using System.Net.Sockets;
using Mergeflow.Engine.Ports;

namespace Mergeflow.Control.Bridges;

/// <summary>
/// A dummy port's socket to another (OVS <c>struct dummy_packet_conn</c>): each frame goes there, and what comes from there comes in. Frames have two bytes of length in front, the high one first. Connects again after a moment
/// when the other end goes.
/// </summary>
internal sealed class DummyStream : IDisposable
{
    private const int AgainMs = 100;
    private const int EthernetBytes = 14;
    private const int MostPeers = 16;
    private const int SendMs = 1000;

    private readonly DummyPort _port;
    private readonly string _path;
    private readonly Socket? _listener;
    private readonly Lock _lock = new();
    private readonly List<Socket> _peers = [];
    private readonly byte[] _out = new byte[2 + ushort.MaxValue];
    private readonly Thread _thread;
    private volatile bool _isEnding;

    /// <summary>A stream that connects, or waits for others.</summary>
    /// <param name="port">The port.</param>
    /// <param name="name"><c>unix:FILE</c> or <c>punix:FILE</c>.</param>
    /// <param name="isActive">It connects.</param>
    /// <exception cref="IOException">It cannot listen there.</exception>
    public DummyStream(DummyPort port, string name, bool isActive)
    {
        (_port, Name, IsActive) = (port, name, isActive);
        string prefix = isActive ? "unix:" : "punix:";
        if (!name.StartsWith(prefix, StringComparison.Ordinal)) throw new IOException($"{name}: open failed (Address family not supported by protocol)");
        _path = name[prefix.Length..];
        if (!isActive) _listener = ControlSocket.Listen(_path, MostPeers);
        _thread = new Thread(isActive ? Connect : Accept) { Name = "dummy-stream", IsBackground = true };
        _thread.Start();
        port.Listener = Send;
    }

    /// <summary>As the database says it.</summary>
    public string Name { get; }

    /// <summary>It connects, else others do.</summary>
    public bool IsActive { get; }

    /// <summary>Somebody is at the other end.</summary>
    public bool IsConnected
    {
        get
        {
            lock (_lock) return _peers.Count > 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isEnding) return;
        _isEnding = true;
        _port.Listener = null;
        _listener?.Dispose();
        lock (_lock)
        {
            foreach (Socket peer in _peers) peer.Dispose();
        }

        _thread.Join();
        if (!IsActive) File.Delete(_path);
    }

    private void Connect()
    {
        while (!_isEnding)
        {
            try
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { SendTimeout = SendMs };
                using (socket)
                {
                    socket.Connect(new UnixDomainSocketEndPoint(_path));
                    Serve(socket);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or ArgumentException)
            {
                // Nobody is there: tried again.
            }

            if (!_isEnding) Thread.Sleep(AgainMs);
        }
    }

    private void Accept()
    {
        while (!_isEnding)
        {
            try
            {
                Socket socket = _listener!.Accept();
                socket.SendTimeout = SendMs;
                bool hasRoom;
                lock (_lock) hasRoom = _peers.Count < MostPeers;
                if (hasRoom) new Thread(() => Serve(socket)) { Name = "dummy-peer", IsBackground = true }.Start();
                else socket.Dispose();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (!_isEnding) Thread.Sleep(AgainMs);
            }
        }
    }

    /// <summary>Takes frames in until the other end goes, or says something that is no frame.</summary>
    private void Serve(Socket socket)
    {
        lock (_lock)
        {
            if (_isEnding) return;
            _peers.Add(socket);
        }

        byte[] frame = new byte[ushort.MaxValue];
        try
        {
            while (Read(socket, frame.AsSpan(0, 2)))
            {
                int length = BinaryPrimitives.ReadUInt16BigEndian(frame);
                if (length < EthernetBytes || !Read(socket, frame.AsSpan(0, length))) break;
                _port.Receive(frame.AsSpan(0, length), 0);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has gone.
        }
        finally
        {
            lock (_lock) _peers.Remove(socket);
            socket.Dispose();
        }
    }

    private static bool Read(Socket socket, Span<byte> into)
    {
        while (!into.IsEmpty)
        {
            int n = socket.Receive(into);
            if (n == 0) return false;
            into = into[n..];
        }

        return true;
    }

    /// <summary>A frame goes to everybody who is connected. One at a time.</summary>
    private void Send(ReadOnlyMemory<byte> frame)
    {
        if (frame.Length > ushort.MaxValue) return;
        BinaryPrimitives.WriteUInt16BigEndian(_out, (ushort)frame.Length);
        frame.Span.CopyTo(_out.AsSpan(2));
        lock (_lock)
        {
            foreach (Socket peer in _peers)
            {
                try
                {
                    for (int sent = 0; sent < frame.Length + 2;) sent += peer.Send(_out.AsSpan(sent, frame.Length + 2 - sent));
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // Half a frame is none: who serves it sees that it is closed.
                    peer.Dispose();
                }
            }
        }
    }
}
