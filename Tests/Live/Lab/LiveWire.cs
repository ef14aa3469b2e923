using Mergeflow.Native;

namespace Mergeflow.Tests;

/// <summary>Frames as they are, in and out of a host's eth0.</summary>
internal sealed class LiveWire(LiveLab lab, string host) : IDisposable
{
    private readonly PacketSocket _socket = lab.In(host, static () => PacketSocket.Receiver(NetDevice.IndexOf("eth0"), 1 << 20));

    public void Send(byte[] frame)
    {
        if (!_socket.TrySend(frame)) throw new IOException($"a frame of {frame.Length} bytes cannot be sent");
    }

    /// <summary>The next frame of that length; what the host's own stack has to do with others is passed over.</summary>
    public byte[] Receive(int lengthBytes)
    {
        byte[]? frame = null;
        LiveLab.WaitFor(() => (frame = _socket.TryReceive() ?? frame)?.Length == lengthBytes, $"a frame of {lengthBytes} bytes");
        return frame!;
    }

    public void Dispose() => _socket.Dispose();
}
