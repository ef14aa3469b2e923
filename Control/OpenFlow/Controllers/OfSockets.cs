using System.Net;
using System.Net.Sockets;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Sockets as OpenFlow connections need them.</summary>
internal static class OfSockets
{
    private const int IpTos = 1;
    private const int Ipv6Class = 67;
    private const int IpLevel = 0;
    private const int Ipv6Level = 41;

    /// <summary>Messages go out at once, and their packets are marked (OVS <c>set_dscp</c>).</summary>
    public static void Mark(Socket socket, AddressFamily family, int dscp)
    {
        socket.NoDelay = true;
        Span<byte> value = stackalloc byte[sizeof(int)];
        BitConverter.TryWriteBytes(value, dscp << 2);
        if (family == AddressFamily.InterNetworkV6) socket.SetRawSocketOption(Ipv6Level, Ipv6Class, value);
        else socket.SetRawSocketOption(IpLevel, IpTos, value);
    }

    /// <summary>Waits for connections at an address of this host.</summary>
    /// <exception cref="IOException">One line that says why not.</exception>
    public static Socket Listen(OfTarget target, int backlog)
    {
        if (target.Transport == OfTransport.Unix) return ControlSocket.Listen(Path.GetFullPath(target.Address), backlog);
        IPAddress address = target.Address.Length == 0 ? IPAddress.Any : IPAddress.Parse(target.Address);
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(address, target.Port));
            socket.Listen(backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"{target.Text}: {e.Message}", e);
        }
    }
}
