using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>
/// A packet socket on one device (packet(7)), with a virtio header in front of each frame, so that super-frames and unfinished checksums go through it. For one thread, and for the one that
/// reads its statistics.
/// </summary>
public sealed unsafe partial class PacketSocket : IDisposable
{
    private int _fd;

    private PacketSocket(int fd) => _fd = fd;

    /// <summary>To be waited for: readable while there is a frame, or an error to be read.</summary>
    public int Descriptor => _fd;

    /// <summary>Receive every frame of a device but those that are sent by sockets of this host; several share them by flow: each frame comes to one of them.</summary>
    /// <param name="ifIndex">The device.</param>
    /// <param name="bufferBytes">What the kernel holds for each of them: a super-frame takes some 70 KB.</param>
    /// <param name="count">Sockets.</param>
    /// <exception cref="IOException">Refused by the system; the message says what.</exception>
    public static PacketSocket[] Receivers(int ifIndex, int bufferBytes, int count)
    {
        List<PacketSocket> sockets = [];
        try
        {
            int group = 0;
            for (int i = 0; i < count; i++)
            {
                PacketSocket socket = New();
                sockets.Add(socket);
                socket.Listen(ifIndex, bufferBytes, isShared: count > 1);
                if (count > 1) group = socket.Join(group, isFirst: i == 0);
            }

            return [.. sockets];
        }
        catch
        {
            foreach (PacketSocket socket in sockets) socket.Dispose();
            throw;
        }
    }

    /// <summary>Sends on a device by its queueing discipline, so that queues of a port (<c>linux-htb</c>) hold and who listens at the device (tcpdump) sees it, and receives nothing.</summary>
    /// <exception cref="IOException">Refused by the system; the message says what.</exception>
    public static PacketSocket Sender(int ifIndex, int bufferBytes)
    {
        PacketSocket socket = New();
        try
        {
            socket.Set(SocketCalls.PacketVnetHeader, 1, "PACKET_VNET_HDR");
            socket.SetBuffer(SocketCalls.SoSendBufferForce, SocketCalls.SoSendBuffer, bufferBytes);
            socket.Bind(ifIndex, 0);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Receives up to <paramref name="count"/> frames into the first parts of the batch; never waits. Returns how many, 0 = none, or an errno, negative.</summary>
    public int Receive(MessageBatch batch, int count)
    {
        for (int i = 0; i < count; i++) batch.OfferControl(i);
        int n = SocketCalls.ReceiveMany(_fd, batch.Messages, (uint)count, SocketCalls.MsgDontWait, null);
        return n >= 0 ? n : -Marshal.GetLastPInvokeError();
    }

    /// <summary>Sends frames <paramref name="from"/> to <paramref name="end"/> of the batch; never waits. Returns how many it took, or the errno of the first, negative.</summary>
    public int Send(MessageBatch batch, int from, int end)
    {
        int n = SocketCalls.SendMany(_fd, batch.Messages + from, (uint)(end - from), SocketCalls.MsgDontWait);
        return n >= 0 ? n : -Marshal.GetLastPInvokeError();
    }

    /// <summary>Frames that the kernel could not keep for this socket since the last time it was asked (<c>PACKET_STATISTICS</c>).</summary>
    public uint TakeKernelDrops()
    {
        // struct tpacket_stats: packets with the dropped ones, dropped.
        uint* stats = stackalloc uint[2];
        uint length = 8;
        return SocketCalls.GetSockOpt(_fd, SocketCalls.SolPacket, SocketCalls.PacketStatistics, stats, &length) < 0 ? 0 : stats[1];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        int fd = Interlocked.Exchange(ref _fd, -1);
        if (fd >= 0) _ = SocketCalls.Close(fd);
    }

    private static PacketSocket New()
    {
        int fd = SocketCalls.Socket(SocketCalls.AfPacket, SocketCalls.SockRaw | SocketCalls.CloseOnExec | SocketCalls.NonBlocking, 0);
        return fd >= 0 ? new PacketSocket(fd) : throw Refused("packet socket");
    }

    private static IOException Refused(string what)
    {
        int error = Marshal.GetLastPInvokeError();
        string hint = error == SocketCalls.NotPermitted ? " (needs CAP_NET_RAW)" : "";
        return new IOException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}{hint}");
    }

    /// <summary>Begins to receive; who is to share frames keeps none before he does (<see cref="Join"/>), or some would come twice.</summary>
    private void Listen(int ifIndex, int bufferBytes, bool isShared)
    {
        Set(SocketCalls.PacketVnetHeader, 1, "PACKET_VNET_HDR");
        Set(SocketCalls.PacketIgnoreOutgoing, 1, "PACKET_IGNORE_OUTGOING");
        Set(SocketCalls.PacketAuxData, 1, "PACKET_AUXDATA");
        SetBuffer(SocketCalls.SoReceiveBufferForce, SocketCalls.SoReceiveBuffer, bufferBytes);
        if (isShared) Filter(PacketFilter.Nothing);
        Bind(ifIndex, SocketCalls.EthPAll);
        var membership = new Membership { IfIndex = ifIndex, Type = SocketCalls.PacketMembershipPromiscuous };
        if (SocketCalls.SetSockOpt(_fd, SocketCalls.SolPacket, SocketCalls.PacketAddMembership, &membership, (uint)sizeof(Membership)) < 0) throw Refused("promiscuous mode");
    }

    /// <summary>
    /// Shares the device's frames from now on; returns the group, which the first one has the kernel choose: others may have theirs. A group asks for frames itself and knows nothing of its members'
    /// <c>PACKET_IGNORE_OUTGOING</c>: it has a flag of its own, which older kernels do not know. There the filter drops what is sent.
    /// </summary>
    private int Join(int group, bool isFirst)
    {
        int flags = SocketCalls.PacketFanoutHash | SocketCalls.PacketFanoutIgnoreOutgoing | (isFirst ? SocketCalls.PacketFanoutUniqueId : 0);
        Set(SocketCalls.PacketFanout, group | (flags << 16), "PACKET_FANOUT");
        Filter(PacketFilter.NotOutgoing);
        if (!isFirst) return group;
        int chosen;
        uint length = sizeof(int);
        return SocketCalls.GetSockOpt(_fd, SocketCalls.SolPacket, SocketCalls.PacketFanout, &chosen, &length) < 0 ? throw Refused("PACKET_FANOUT") : chosen & ushort.MaxValue;
    }

    private void Filter(ReadOnlySpan<ulong> program)
    {
        fixed (ulong* instructions = program)
        {
            // struct sock_fprog.
            ulong* filter = stackalloc ulong[2];
            (filter[0], filter[1]) = ((ulong)program.Length, (ulong)instructions);
            if (SocketCalls.SetSockOpt(_fd, SocketCalls.SolSocket, SocketCalls.SoAttachFilter, filter, 2 * sizeof(ulong)) < 0) throw Refused("SO_ATTACH_FILTER");
        }
    }

    private void Set(int option, int value, string name)
    {
        if (SocketCalls.SetSockOpt(_fd, SocketCalls.SolPacket, option, &value, sizeof(int)) < 0) throw Refused(name);
    }

    /// <summary>As large as wanted with CAP_NET_ADMIN, else as the system's limit allows.</summary>
    private void SetBuffer(int forced, int plain, int bytes)
    {
        if (SocketCalls.SetSockOpt(_fd, SocketCalls.SolSocket, forced, &bytes, sizeof(int)) < 0) _ = SocketCalls.SetSockOpt(_fd, SocketCalls.SolSocket, plain, &bytes, sizeof(int));
    }

    private void Bind(int ifIndex, int protocol)
    {
        // struct sockaddr_ll.
        byte* address = stackalloc byte[20];
        new Span<byte>(address, 20).Clear();
        *(ushort*)address = SocketCalls.AfPacket;
        *(ushort*)(address + 2) = BinaryPrimitives.ReverseEndianness((ushort)protocol);
        *(int*)(address + 4) = ifIndex;
        if (SocketCalls.Bind(_fd, address, 20) < 0) throw Refused("bind");
    }

    /// <summary><c>struct packet_mreq</c>.</summary>
    private struct Membership
    {
        public int IfIndex;
        public ushort Type;
        public ushort AddressLength;
        public ulong Address;
    }
}
