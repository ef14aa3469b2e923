using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Mergeflow.Cli;

/// <summary>Where metrics are served: <c>PORT</c> on loopback, or <c>ADDRESS:PORT</c>, an IPv6 address in brackets.</summary>
/// <param name="Address">To listen on.</param>
/// <param name="Port">TCP port.</param>
internal sealed record MetricsAddress(IPAddress Address, ushort Port)
{
    public const string Syntax = "[ADDRESS:]PORT";

    /// <summary>The address that a client on this machine takes.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://{Host(IsAny ? IPAddress.Loopback : Address)}:{Port}/metrics");

    private bool IsAny => Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any);

    /// <summary>Reads one.</summary>
    /// <exception cref="CommandFailedException">It is none.</exception>
    public static MetricsAddress Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? "" : text[..colon];
        if (ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0)
        {
            if (host is "" or "localhost") return new MetricsAddress(IPAddress.Loopback, port);
            bool isBracketed = host is ['[', .., ']'];
            if (IPAddress.TryParse(isBracketed ? host[1..^1] : host, out IPAddress? address) && isBracketed == (address.AddressFamily == AddressFamily.InterNetworkV6)) return new MetricsAddress(address, port);
        }

        throw new CommandFailedException(ExitCode.Usage, $"--metrics: expected {Syntax}, a number or an address of this machine, not '{text}'");
    }

    private static string Host(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
}
