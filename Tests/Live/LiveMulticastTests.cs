using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Multicast snooping with hosts whose kernel says what they want: by IGMP and MLD, in the version that it chooses.</summary>
public sealed class LiveMulticastTests
{
    private const int Port = 5007;

    [Theory]
    [InlineData(0, "10.95.0", "239.95.1.2")]
    [InlineData(2, "10.96.0", "239.96.7.1")]
    public void Only_hosts_that_have_joined_a_group_get_its_packets(int igmpVersion, string net, string group)
    {
        using LiveLab lab = new();
        using VswitchdRun run = new();
        string[] hosts = ["a", "b", "c"];
        string[] devices = [.. hosts.Select((h, i) => lab.AddHost(h, [$"{net}.{i + 1}/24"]))];
        string bridge = lab.DeviceName("x");
        foreach (string host in hosts) lab.Must(host, "sysctl", "-qw", $"net.ipv4.conf.eth0.force_igmp_version={igmpVersion}");
        run.Start();
        run.Vsctl("add-br", bridge, "--", "set", "bridge", bridge, "mcast_snooping_enable=true", "other_config:mcast-snooping-disable-flood-unregistered=true");
        for (int i = 0; i < devices.Length; i++) run.Vsctl("add-port", bridge, devices[i], "--", "set", "interface", devices[i], $"ofport_request={i + 1}");
        lab.Must("a", "ping", "-c", "1", "-W", "5", $"{net}.2");
        lab.Must("a", "ping", "-c", "1", "-W", "5", $"{net}.3");
        IPAddress to = IPAddress.Parse(group);
        byte turns = 0;
        using Socket b = Listener("b"), c = Listener("c"), a = lab.In("a", () => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        a.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.Parse($"{net}.1").GetAddressBytes());
        Assert.Equal(0, Sent(2));

        Join(b, $"{net}.2");
        LiveLab.WaitFor(() => Shows(2), "the group of b");
        Assert.DoesNotContain($"    3     0  {group}", run.Ask("mdb/show", bridge), StringComparison.Ordinal);

        // Packets of before have made a megaflow: it goes soon behind the report, not with it.
        LiveLab.WaitFor(() => Sent(2, 1) == 1, "b gets the group");
        ulong c0 = Counted(3);
        Assert.Equal(5, Sent(2, 5));
        Assert.True(Counted(3) - c0 < 5, "c gets nothing of it");

        // A packet that is under way keeps its megaflow; a host that joins changes it.
        Join(c, $"{net}.3");
        LiveLab.WaitFor(() => Shows(3), "the group of c");
        LiveLab.WaitFor(() => Sent(3, 1) == 1, "c gets the group");
        b.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.DropMembership, new MulticastOption(to, IPAddress.Parse($"{net}.2")));
        LiveLab.WaitFor(() => !Shows(2), "b has left");
        LiveLab.WaitFor(() => Drain(b) + Sent(2, 1) == 0, "b gets nothing more");
        Assert.Equal(3, Sent(3, 3));

        Socket Listener(string host) => lab.In(host, () =>
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 5000 };
            socket.Bind(new IPEndPoint(IPAddress.Any, Port));
            return socket;
        });

        void Join(Socket socket, string own) => socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(to, IPAddress.Parse(own)));
        bool Shows(int port) => run.Ask("mdb/show", bridge).Contains($"    {port}     0  {group}  ", StringComparison.Ordinal);
        ulong Counted(int port) => run.Port(bridge, port).TxPackets;

        // What a host has got of so many packets: the last one is behind a packet that all get.
        int Sent(int host, int count = 3)
        {
            byte turn = ++turns;
            for (int i = 0; i < count; i++) a.SendTo([(byte)i, turn, 2, 3], new IPEndPoint(to, Port));
            a.SendTo([0xff], new IPEndPoint(IPAddress.Parse($"{net}.{host}"), Port));
            Socket socket = host == 2 ? b : c;
            byte[] data = new byte[16];
            int got = 0;

            // What was sent to another host before may come now.
            while (socket.Receive(data) == 4) got += data[1] == turn ? 1 : 0;
            Drain(host == 2 ? c : b);
            return got;
        }
    }

    [Fact]
    public void Listeners_of_IPv6_are_heard_too()
    {
        using LiveLab lab = new();
        using VswitchdRun run = new();
        string a = lab.AddHost("a", ["fd97::1/64"]), b = lab.AddHost("b", ["fd97::2/64"]), bridge = lab.DeviceName("x");
        run.Start();
        run.Vsctl("add-br", bridge, "--", "set", "bridge", bridge, "mcast_snooping_enable=true", "--", "add-port", bridge, a, "--", "add-port", bridge, b);
        lab.Must("a", "ping", "-c", "2", "-i", "0.2", "-W", "5", "fd97::2");
        using Socket socket = lab.In("b", () =>
        {
            Socket s = new(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
            s.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.AddMembership, new IPv6MulticastOption(IPAddress.Parse("ff05::97:1"), NetDevice("eth0")));
            return s;
        });
        LiveLab.WaitFor(() => run.Ask("mdb/show", bridge).Contains("    2     0  ff05::97:1  ", StringComparison.Ordinal), "the group of b");

        static long NetDevice(string name) => Native.NetDevice.IndexOf(name);
    }

    private static int Drain(Socket socket)
    {
        int count = 0;
        for (byte[] data = new byte[16]; socket.Available > 0;)
        {
            if (socket.Receive(data) == 4) count++;
        }

        return count;
    }
}
