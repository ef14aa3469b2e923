using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mergeflow.Native;

/// <summary>A non-blocking AF_NETLINK socket of the namespace of the thread that opened it.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    /// <summary>As large as the kernel makes a datagram of a dump (NLMSG_GOODSIZE is up to 8 KiB, a dump's up to 32 KiB).</summary>
    private const int MaxDatagramBytes = 64 << 10;

    private readonly SafeFileHandle _handle;
    private readonly byte[] _buffer = new byte[MaxDatagramBytes];

    /// <summary>Opens a socket. <paramref name="groups"/>: numbers of the multicast groups to join.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public NetlinkSocket(int protocol, ReadOnlySpan<int> groups, int receiveBytes)
    {
        int fd = SocketCalls.Socket(NetlinkCalls.AfNetlink, NetlinkCalls.SockRawCloseOnExecNonBlocking, protocol);
        if (fd < 0) throw Failure("socket(AF_NETLINK)");
        _handle = new SafeFileHandle(fd, ownsHandle: true);
        int on = 1;
        _ = SocketCalls.SetSockOpt(fd, NetlinkCalls.SolNetlink, NetlinkCalls.NetlinkExtendedAck, &on, sizeof(int));
        _ = SocketCalls.SetSockOpt(fd, SocketCalls.SolSocket, SocketCalls.SoReceiveBufferForce, &receiveBytes, sizeof(int));
        byte* address = stackalloc byte[12];
        new Span<byte>(address, 12).Clear();
        *(ushort*)address = NetlinkCalls.AfNetlink;
        bool isBound = SocketCalls.Bind(fd, address, 12) == 0;
        foreach (int group in groups)
        {
            int g = group;
            isBound = isBound && SocketCalls.SetSockOpt(fd, NetlinkCalls.SolNetlink, NetlinkCalls.NetlinkAddMembership, &g, sizeof(int)) == 0;
        }

        if (isBound) return;
        IOException e = Failure("bind(AF_NETLINK)");
        _handle.Dispose();
        throw e;
    }

    /// <summary>For poll(2).</summary>
    public int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Sends one request.</summary>
    /// <exception cref="IOException">The system refuses.</exception>
    public void Send(ReadOnlySpan<byte> request)
    {
        fixed (byte* p = request)
        {
            nint sent;
            do sent = NetlinkCalls.Send(Descriptor, p, (nuint)request.Length, 0);
            while (sent < 0 && Marshal.GetLastPInvokeError() == SocketCalls.Interrupted);
            if (sent != request.Length) throw Failure("send(AF_NETLINK)");
        }
    }

    /// <summary>Takes one datagram if there is one. <paramref name="isLost"/>: the kernel had no room and events are lost.</summary>
    /// <returns>The datagram, good until the next call; empty = none.</returns>
    public ReadOnlySpan<byte> Receive(out bool isLost)
    {
        isLost = false;
        fixed (byte* p = _buffer)
        {
            nint length;
            do length = NetlinkCalls.Receive(Descriptor, p, (nuint)_buffer.Length, SocketCalls.MsgTruncated);
            while (length < 0 && Marshal.GetLastPInvokeError() == SocketCalls.Interrupted);
            if (length < 0)
            {
                isLost = Marshal.GetLastPInvokeError() == SocketCalls.NoBuffers;
                if (!isLost && Marshal.GetLastPInvokeError() != SocketCalls.TryAgain) throw Failure("recv(AF_NETLINK)");
                return default;
            }

            // Cut: the part that is missing is as good as lost.
            isLost = length > _buffer.Length;
            return _buffer.AsSpan(0, (int)Math.Min(length, _buffer.Length));
        }
    }

    /// <summary>Waits until something can be received; false when <paramref name="timeoutMs"/> are over.</summary>
    public bool Wait(int timeoutMs)
    {
        PollDescriptor d = new() { Fd = Descriptor, Wanted = Libc.PollIn };
        return Libc.Poll(&d, 1, timeoutMs) > 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static IOException Failure(string call)
    {
        int errno = Marshal.GetLastPInvokeError();
        return new IOException($"{call}: {new Win32Exception(errno).Message}");
    }
}
