using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <remarks>What only tests look at.</remarks>
public static unsafe partial class NetDevice
{
    /// <summary>Puts the calling thread, and what it opens from now on, into the network namespace at a path (<c>/run/netns/NAME</c>). Not to be undone: a thread for it.</summary>
    /// <exception cref="IOException">Refused by the system.</exception>
    public static void EnterNamespace(string path)
    {
        const int network = 0x40000000;
        int fd = SocketCalls.Open(path, SocketCalls.CloseOnExec);
        if (fd < 0) throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        int result = SocketCalls.SetNamespace(fd, network);
        int error = Marshal.GetLastPInvokeError();
        _ = SocketCalls.Close(fd);
        if (result < 0) throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(error)}");
    }
}
