using System.Net;
using System.Net.Sockets;

namespace Mergeflow.Tests;

/// <summary>Two hosts that send datagrams to each other all the time, every one with another length, until it is disposed of.</summary>
internal sealed class LiveTalk : IDisposable
{
    private const int Port = 7000;
    private readonly Socket _a, _b;
    private readonly Thread _thread;
    private volatile bool _ends;

    /// <summary>Begins.</summary>
    /// <param name="lab">Where the hosts are.</param>
    /// <param name="a">Name and address of one of them.</param>
    /// <param name="b">Of the other one.</param>
    /// <param name="aAsSeen">What the other one knows the first by; null = its address.</param>
    public LiveTalk(LiveLab lab, (string Host, string Address) a, (string Host, string Address) b, string? aAsSeen = null)
    {
        (_a, _b) = (Open(lab, a), Open(lab, b));
        (EndPoint toA, EndPoint toB) = (new IPEndPoint(IPAddress.Parse(aAsSeen ?? a.Address), Port), new IPEndPoint(IPAddress.Parse(b.Address), Port));
        _thread = new Thread(() =>
        {
            for (int i = 0; !_ends; i++)
            {
                Send(_a, i, toB);
                Send(_b, i, toA);
                Thread.Sleep(2);
            }
        });
        _thread.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ends = true;
        _thread.Join();
        _a.Dispose();
        _b.Dispose();
    }

    private static Socket Open(LiveLab lab, (string Host, string Address) host) => lab.In(host.Host, () =>
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(host.Address), Port));
        return socket;
    });

    /// <summary>A link that is down is no fault of who sends.</summary>
    private static void Send(Socket socket, int turn, EndPoint to)
    {
        try
        {
            socket.SendTo(new byte[1 + (turn % 900)], to);
        }
        catch (SocketException)
        {
        }
    }
}
