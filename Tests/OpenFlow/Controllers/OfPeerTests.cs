using System.Net;
using System.Net.Sockets;
using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A connection with its socket.</summary>
public sealed class OfPeerTests
{
    [Fact]
    public void A_session_that_fails_ends_its_connection_and_nothing_else()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using TcpClient client = new();
        client.Connect((IPEndPoint)listener.LocalEndpoint);
        OfPeer peer = new(listener.AcceptSocket(), static socket => new NetworkStream(socket), static _ => new FailingSession());
        client.GetStream().WriteByte(1);
        Assert.Equal("internal error: OverflowException: too long", peer.Run());
        Assert.Equal(-1, client.GetStream().ReadByte());
    }

    private sealed class FailingSession : IOfSession
    {
        public bool IsGreeted => true;

        public void Open()
        {
            // It fails later.
        }

        public bool Receive(ReadOnlySpan<byte> bytes) => throw new OverflowException("too long");

        public void Probe()
        {
            // Nobody asks.
        }

        public void Close()
        {
            // Nothing is held.
        }
    }
}
