using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>Has an interface receive what is for other addresses too, until it is disposed or the process ends (<c>PACKET_ADD_MEMBERSHIP</c>).</summary>
public sealed unsafe class PromiscuousMode : IDisposable
{
    private int _fd;

    /// <summary>Switches it on.</summary>
    /// <exception cref="IOException">Refused by the system.</exception>
    public PromiscuousMode(int interfaceIndex)
    {
        // Protocol 0: the socket receives nothing.
        _fd = SocketCalls.Socket(SocketCalls.AfPacket, SocketCalls.SockRaw | SocketCalls.CloseOnExec, 0);
        Span<int> membership = [interfaceIndex, SocketCalls.PacketMembershipPromiscuous, 0, 0];
        fixed (int* m = membership)
        {
            if (_fd >= 0 && SocketCalls.SetSockOpt(_fd, SocketCalls.SolPacket, SocketCalls.PacketAddMembership, m, 16) >= 0) return;
        }

        int error = Marshal.GetLastPInvokeError();
        Dispose();
        throw new IOException($"promiscuous mode: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        int fd = Interlocked.Exchange(ref _fd, -1);
        if (fd >= 0) _ = SocketCalls.Close(fd);
    }
}
