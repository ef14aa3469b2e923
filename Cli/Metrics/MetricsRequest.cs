using System.Net;
using System.Text;

namespace Mergeflow.Cli;

/// <summary>The head of an HTTP request, as far as it matters here, and its answer.</summary>
internal static class MetricsRequest
{
    /// <summary>Longest head that is read, bytes.</summary>
    public const int MaxHeadBytes = 8192;

    /// <summary>The whole answer.</summary>
    /// <param name="head">What came, to the empty line; less or something else is a bad request.</param>
    /// <param name="served">The address that is listened on: on loopback requests for other hosts are refused, so that no page of the web reaches it by a name of its own.</param>
    /// <param name="metrics">The text.</param>
    public static byte[] Answer(ReadOnlySpan<byte> head, IPAddress served, Func<string> metrics)
    {
        string[] lines = Encoding.Latin1.GetString(head).Split("\r\n");
        string[] words = lines[0].Split(' ');
        bool isWhole = lines is [.., "", ""] && words is [{ Length: > 0 }, ['/', ..], "HTTP/1.0" or "HTTP/1.1"];
        if (!isWhole) return Text("400 Bad Request", "no request\n");
        if (IPAddress.IsLoopback(served) && !IsLocal(lines)) return Text("421 Misdirected Request", "metrics of this machine are asked for as localhost\n");
        if (words[0] is not ("GET" or "HEAD")) return Text("405 Method Not Allowed", "metrics can be read, nothing else\n", "Allow: GET, HEAD\r\n");
        if (words[1].Split('?')[0] != "/metrics") return Text("404 Not Found", "metrics are at /metrics\n");
        return Write("200 OK", OpenMetricsText.ContentType, metrics(), "", hasBody: words[0] == "GET");
    }

    /// <summary>Whether there is no <c>Host</c>, or one of this machine.</summary>
    private static bool IsLocal(string[] lines)
    {
        string? host = lines.Skip(1).FirstOrDefault(static l => l.StartsWith("Host:", StringComparison.OrdinalIgnoreCase))?["Host:".Length..].Trim();
        if (string.IsNullOrEmpty(host)) return true;
        int colon = host.LastIndexOf(':');
        string name = colon > host.LastIndexOf(']') ? host[..colon] : host;
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(name, out IPAddress? address) && IPAddress.IsLoopback(address));
    }

    private static byte[] Text(string status, string text, string header = "") => Write(status, "text/plain; charset=utf-8", text, header, hasBody: true);

    private static byte[] Write(string status, string type, string text, string header, bool hasBody)
        => Encoding.UTF8.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {Encoding.UTF8.GetByteCount(text)}\r\n{header}Connection: close\r\n\r\n{(hasBody ? text : "")}");
}
