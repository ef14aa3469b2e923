using System.Globalization;
using System.Net;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Where a controller is, or where controllers are waited for: <c>tcp:</c>, <c>ssl:</c>, <c>unix:</c> and the same with a <c>p</c> in front (ovs-vswitchd.conf.db(5), <c>Controller.target</c>).</summary>
public sealed record OfTarget
{
    /// <summary>Port of OpenFlow (IANA; OVS <c>OFP_PORT</c>).</summary>
    public const int DefaultPort = 6653;

    private OfTarget(string text, OfTransport transport, bool isPassive, string address, int port)
        => (Text, Transport, IsPassive, Address, Port) = (text, transport, isPassive, address, port);

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>What carries the messages.</summary>
    public OfTransport Transport { get; }

    /// <summary>The switch waits for connections there.</summary>
    public bool IsPassive { get; }

    /// <summary>Address or name of a host, or the path of a socket; empty = any address of this host.</summary>
    public string Address { get; }

    /// <summary>TCP port; 0 = any that is free, or none.</summary>
    public int Port { get; }

    /// <summary>Reads a target.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static OfTarget Parse(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string kind = colon < 0 ? text : text[..colon], rest = colon < 0 ? "" : text[(colon + 1)..];
        (OfTransport transport, bool isPassive) = kind switch
        {
            "tcp" when colon > 0 => (OfTransport.Tcp, false),
            "ssl" when colon > 0 => (OfTransport.Tls, false),
            "unix" when colon > 0 => (OfTransport.Unix, false),
            "ptcp" => (OfTransport.Tcp, true),
            "pssl" => (OfTransport.Tls, true),
            "punix" when colon > 0 => (OfTransport.Unix, true),
            _ => throw new FormatException($"unsupported controller \"{text}\""),
        };
        if (transport == OfTransport.Unix) return new OfTarget(text, transport, isPassive, rest.Length > 0 ? rest : throw new FormatException($"{text}: a path is missing"), 0);
        (string address, int port) = isPassive ? Passive(text, rest) : Active(text, rest);
        return new OfTarget(text, transport, isPassive, address, port);
    }

    /// <summary><c>HOST[:PORT]</c>; an IPv6 address stands in brackets.</summary>
    private static (string Address, int Port) Active(string text, string rest)
    {
        (string address, string port) = Cut(text, rest);
        if (address.Length == 0) throw new FormatException($"{text}: a host is missing");
        return (address, port.Length == 0 ? DefaultPort : PortOf(text, port, least: 1));
    }

    /// <summary><c>[PORT][:HOST]</c>.</summary>
    private static (string Address, int Port) Passive(string text, string rest)
    {
        int colon = rest.IndexOf(':', StringComparison.Ordinal);
        string port = colon < 0 ? rest : rest[..colon], address = colon < 0 ? "" : rest[(colon + 1)..].Trim('[', ']');
        if (address.Length > 0 && !IPAddress.TryParse(address, out _)) throw new FormatException($"{text}: \"{address}\" is no address");
        return (address, port.Length == 0 ? DefaultPort : PortOf(text, port, least: 0));
    }

    private static (string Address, string Port) Cut(string text, string rest)
    {
        if (rest.StartsWith('['))
        {
            int end = rest.IndexOf(']', StringComparison.Ordinal);
            if (end < 0 || (end + 1 < rest.Length && rest[end + 1] != ':')) throw new FormatException($"{text}: the address does not end");
            return (rest[1..end], end + 1 < rest.Length ? rest[(end + 2)..] : "");
        }

        int colon = rest.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? (rest, "") : (rest[..colon], rest[(colon + 1)..]);
    }

    private static int PortOf(string text, string port, int least)
        => int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= ushort.MaxValue ? number : throw new FormatException($"{text}: \"{port}\" is no port");
}

/// <summary>What carries OpenFlow messages.</summary>
public enum OfTransport
{
    Tcp,
    Tls,
    Unix,
}
