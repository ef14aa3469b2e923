using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>Calls for packet sockets, TAP devices and device ioctls, with the Linux values of their constants (x86-64).</summary>
internal static unsafe partial class SocketCalls
{
    public const int AfInet = 2;
    public const int AfPacket = 17;
    public const int SockDatagram = 2;
    public const int SockRaw = 3;
    public const int CloseOnExec = 0x80000;
    public const int NonBlocking = 0x800;
    public const int ReadWrite = 2;
    public const int EthPAll = 0x0003;

    public const int SolSocket = 1;
    public const int SoSendBuffer = 7;
    public const int SoReceiveBuffer = 8;
    public const int SoPriority = 12;
    public const int SoAttachFilter = 26;
    public const int SoSendBufferForce = 32;
    public const int SoReceiveBufferForce = 33;

    public const int SolPacket = 263;
    public const int PacketAddMembership = 1;
    public const int PacketStatistics = 6;
    public const int PacketAuxData = 8;
    public const int PacketVnetHeader = 15;
    public const int PacketFanout = 18;
    public const int PacketIgnoreOutgoing = 23;
    public const int PacketMembershipPromiscuous = 1;
    public const int PacketFanoutHash = 0;
    public const int PacketFanoutUniqueId = 0x2000;
    public const int PacketFanoutIgnoreOutgoing = 0x4000;

    public const int MsgDontWait = 0x40;
    public const int MsgTruncated = 0x20;

    public const int Interrupted = 4;
    public const int NoSuchDeviceOrAddress = 6;
    public const int TryAgain = 11;
    public const int NotPermitted = 1;
    public const int Busy = 16;
    public const int Invalid = 22;
    public const int BadDescriptorState = 77;
    public const int NetworkDown = 100;
    public const int NoBuffers = 105;

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(int fd, byte* address, uint lengthBytes);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetSockOpt(int fd, int level, int option, void* value, uint lengthBytes);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetSockOpt(int fd, int level, int option, void* value, uint* lengthBytes);

    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int ReceiveMany(int fd, MessageHeader* messages, uint count, int flags, void* timeout);

    [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    public static partial int SendMany(int fd, MessageHeader* messages, uint count, int flags);

    [LibraryImport("libc", EntryPoint = "sendto", SetLastError = true)]
    public static partial nint SendTo(int fd, void* data, nuint lengthBytes, int flags, void* address, uint addressBytes);

    [LibraryImport("libc", EntryPoint = "readv", SetLastError = true)]
    public static partial nint ReadVector(int fd, IoVector* parts, int count);

    [LibraryImport("libc", EntryPoint = "writev", SetLastError = true)]
    public static partial nint WriteVector(int fd, IoVector* parts, int count);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    public static partial int SetNamespace(int fd, int kind);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int OpenMode(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(int fd, nuint request, void* argument);
}
