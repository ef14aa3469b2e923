using System.Buffers.Binary;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Packet sockets on a device, alone and several that share its frames.</summary>
public sealed class PacketSocketTests
{
    private const int FrameBytes = 64, NumberOffset = 14, BufferBytes = 8 << 20;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_this_host_sends_comes_to_none_of_them(int count) => PrivateNetwork.Run(() =>
    {
        (int left, int right) = Pair();
        PacketSocket[] sockets = PacketSocket.Receivers(left, BufferBytes, count), others = PacketSocket.Receivers(right, BufferBytes, count);
        using PacketSocket own = PacketSocket.Sender(left, BufferBytes), peer = PacketSocket.Sender(right, BufferBytes);
        for (int i = 0; i < 20; i++) Assert.True(own.TrySend(Frame(i)));
        Assert.True(peer.TrySend(Frame(100)));
        List<int> came = [], there = [];
        Eventually.True(() => Drain(sockets, came) && came.Contains(100) && Drain(others, there) && there.Count >= 20, "the frames");
        Assert.Equal([100], came);
        Assert.Equal(Enumerable.Range(0, 20), there.Order());
        foreach (PacketSocket socket in sockets.Concat(others)) socket.Dispose();
    });

    [Fact]
    public void A_frame_comes_to_one_of_them_also_while_they_come() => PrivateNetwork.Run(() =>
    {
        const int rounds = 30, each = 200;
        (int left, int right) = Pair();
        using PacketSocket peer = PacketSocket.Sender(right, BufferBytes);
        bool isOver = false;
        int sent = 0;
        Thread flood = new(() =>
        {
            while (!Volatile.Read(ref isOver)) peer.TrySend(Frame(sent++));
        });
        flood.Start();
        try
        {
            for (int round = 0; round < rounds; round++)
            {
                PacketSocket[] sockets = PacketSocket.Receivers(left, BufferBytes, 3);
                List<int> came = [];
                Eventually.True(() => Drain(sockets, came) && came.Count >= each, "frames");
                foreach (PacketSocket socket in sockets) socket.Dispose();
                Assert.Equal(came.Distinct().Count(), came.Count);
            }
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            flood.Join();
        }
    });

    private static (int Left, int Right) Pair()
    {
        PrivateNetwork.Ip("link add x0 type veth peer name x1");
        PrivateNetwork.Ip("link set x0 up");
        PrivateNetwork.Ip("link set x1 up");
        return (NetDevice.IndexOf("x0"), NetDevice.IndexOf("x1"));
    }

    private static byte[] Frame(int number)
    {
        byte[] frame = new byte[FrameBytes];
        Convert.FromHexString("02000000000202000000000188b5").CopyTo(frame, 0);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(NumberOffset), number);
        return frame;
    }

    /// <summary>Takes what is there; frames of the host's own stack do not count. True.</summary>
    private static bool Drain(PacketSocket[] sockets, List<int> numbers)
    {
        foreach (PacketSocket socket in sockets)
        {
            for (int i = 0; i < 1000 && socket.TryReceive() is { } frame; i++)
            {
                if (frame.Length == FrameBytes && frame[12] == 0x88 && frame[13] == 0xb5) numbers.Add(BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(NumberOffset)));
            }
        }

        return true;
    }
}
