using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>Socket calls for AF_NETLINK, with the Linux values of their constants.</summary>
internal static unsafe partial class NetlinkCalls
{
    public const int AfNetlink = 16;
    public const int SockRawCloseOnExecNonBlocking = 3 | 0x80000 | 0x800;
    public const int SolSocket = 1;
    public const int SoReceiveBufferForce = 33;
    public const int SolNetlink = 270;
    public const int NetlinkAddMembership = 1;
    public const int NetlinkExtendedAck = 11;
    public const int NetlinkStrictCheck = 12;
    public const int MsgTruncate = 0x20;
    public const short PollIn = 1;
    public const int Interrupted = 4;
    public const int Again = 11;
    public const int NoBuffers = 105;

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(int fd, byte* address, uint lengthBytes);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetSockOpt(int fd, int level, int option, void* value, uint lengthBytes);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int fd, byte* data, nuint lengthBytes, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int fd, byte* data, nuint lengthBytes, int flags);
}
