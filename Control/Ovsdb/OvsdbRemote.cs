using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mergeflow.Control.Ovsdb;

/// <summary>Where a database server listens (ovsdb(7), "Active Connection Methods").</summary>
public sealed class OvsdbRemote
{
    /// <summary>Port of <c>tcp:</c> when none is given (IANA).</summary>
    public const int DefaultPort = 6640;

    private readonly EndPoint _endPoint;

    private OvsdbRemote(string text, EndPoint endPoint) => (Text, _endPoint) = (text, endPoint);

    /// <summary>As it was given.</summary>
    public string Text { get; }

    /// <summary>It can go away without the system's knowing, so it is asked whether it is there.</summary>
    public bool NeedsProbes => _endPoint is not UnixDomainSocketEndPoint;

    /// <summary>Reads <c>unix:FILE</c> or <c>tcp:ADDRESS[:PORT]</c>, an IPv6 address in brackets.</summary>
    /// <exception cref="FormatException">It is neither; one line says what is wrong.</exception>
    public static OvsdbRemote Parse(string text)
    {
        if (text.StartsWith("unix:", StringComparison.Ordinal) && text.Length > 5)
        {
            string path = text[5..];
            if (System.Text.Encoding.UTF8.GetByteCount(path) > ControlSocket.MaxPathBytes) throw new FormatException($"{text}: a path of a socket has at most {ControlSocket.MaxPathBytes} bytes");
            return new(text, new UnixDomainSocketEndPoint(path));
        }

        if (text.StartsWith("tcp:", StringComparison.Ordinal))
        {
            string rest = text[4..];
            int colon = rest.EndsWith(']') ? -1 : rest.LastIndexOf(':');
            string address = (colon < 0 ? rest : rest[..colon]).Trim('[', ']');
            int port = DefaultPort;
            if (IPAddress.TryParse(address, out IPAddress? ip) && (colon < 0 || (int.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535)))
                return new(text, new IPEndPoint(ip, port));
            throw new FormatException($"{text}: tcp:ADDRESS[:PORT] is expected, with a numeric address");
        }

        throw new FormatException(text.StartsWith("ssl:", StringComparison.Ordinal) ? $"{text}: ssl: is not supported for the database" : $"{text}: unix:FILE or tcp:ADDRESS[:PORT] is expected");
    }

    /// <summary>Connects.</summary>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    public Socket Connect()
    {
        Socket socket = _endPoint is UnixDomainSocketEndPoint
            ? new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new(_endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Connect(_endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
