using System.Net.Sockets;
using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Whoever does not read stops nobody, and fills no memory.</summary>
public sealed class OfOutboxTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mergeflow-outbox-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_nobody_asked_for_is_lost_when_there_is_no_room()
    {
        var outbox = new OfOutbox(TimeSpan.FromSeconds(1));
        byte[] message = new byte[60_000];
        int taken = 0;
        while (outbox.TrySend(message)) taken++;
        Assert.InRange(taken * message.Length, 1 << 20, 8 << 20);
        Assert.Equal(1, outbox.Lost);
        Assert.Equal(taken * message.Length, outbox.Take()!.Value.Count);
        Assert.True(outbox.TrySend(message));
    }

    [Fact]
    public void Who_answers_waits_for_room_and_then_gives_up()
    {
        var outbox = new OfOutbox(TimeSpan.FromMilliseconds(50));
        byte[] message = new byte[60_000];
        for (int i = 0; i < 20; i++) outbox.Send(message);
        Assert.Null(outbox.Take());
        Assert.False(outbox.TrySend(message));
    }

    [Fact]
    public void A_client_that_never_reads_does_not_stop_the_others()
    {
        string path = Path.Combine(_folder, "br0.mgmt");
        var of = new PlainOfSwitch();
        var group = new OfConnectionGroup();
        using OfServer server = new(path, of, group);
        using var deaf = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        deaf.Connect(new UnixDomainSocketEndPoint(path));
        deaf.Send(OfCodec.Encode(new OfHello { Kind = OfKind.Hello }, OfVersion.V13));
        Assert.True(SpinWait.SpinUntil(() => group.All.Count == 1 && group.All[0].Version != 0, TimeSpan.FromSeconds(20)));
        var packet = new OfPacketForController { Frame = new OfBytes(new byte[1500]) };
        for (int i = 0; i < 20_000; i++) group.All[0].OnPacket(packet);

        using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Connect(new UnixDomainSocketEndPoint(path));
        other.Send(OfCodec.Encode(new OfHello { Kind = OfKind.Hello }, OfVersion.V13));
        other.Send(OfCodec.Encode(new OfOpaque { Kind = OfKind.EchoRequest, Xid = 77 }, OfVersion.V13));
        other.ReceiveTimeout = 20_000;
        byte[] answer = new byte[64];
        int count = 0;
        while (count < 16 && other.Receive(answer.AsSpan(count)) is > 0 and int n) count += n;
        Assert.Contains((byte)77, answer[..count]);
    }

    [Fact]
    public void Clients_that_say_nothing_do_not_keep_out_one_who_does()
    {
        string path = Path.Combine(_folder, "br0.mgmt");
        using OfServer server = new(path, new PlainOfSwitch(), new OfConnectionGroup());
        Socket[] silent = [.. Enumerable.Range(0, 2 * OfServer.MaxConnections).Select(_ => Connect(path))];
        try
        {
            using Socket client = Connect(path);
            client.ReceiveTimeout = 20_000;
            client.Send(OfCodec.Encode(new OfHello { Kind = OfKind.Hello }, OfVersion.V13));
            client.Send(OfCodec.Encode(new OfOpaque { Kind = OfKind.EchoRequest, Xid = 78 }, OfVersion.V13));
            byte[] answer = new byte[64];
            int count = 0;
            while (count < 16 && client.Receive(answer.AsSpan(count)) is > 0 and int n) count += n;
            Assert.Contains((byte)78, answer[..count]);
            Assert.InRange(server.ConnectionCount, 1, OfServer.MaxConnections);
        }
        finally
        {
            foreach (Socket socket in silent) socket.Dispose();
        }
    }

    private static Socket Connect(string path)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return socket;
    }
}
