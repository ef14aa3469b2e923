using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>What AF_NETLINK needs beside <see cref="SocketCalls"/>, with the Linux values of its constants.</summary>
internal static unsafe partial class NetlinkCalls
{
    public const int AfNetlink = 16;
    public const int SockRawCloseOnExecNonBlocking = 3 | 0x80000 | 0x800;
    public const int SolNetlink = 270;
    public const int NetlinkAddMembership = 1;
    public const int NetlinkExtendedAck = 11;

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int fd, byte* data, nuint lengthBytes, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int fd, byte* data, nuint lengthBytes, int flags);
}
