using System.Net;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Merged rules in the kernel, on ports through tc: what is established never comes to this process, and arrives as it should.</summary>
public sealed class LiveKernelTests
{
    private const string GatewayMac = "02:00:00:00:00:fe";

    private const int Megabytes = 256;
    private const ulong StreamBytes = (ulong)Megabytes << 20;

    private const string Firewall =
        """
        table=0,priority=10,arp actions=normal
        table=0,priority=10,icmp6 actions=normal
        table=0,priority=5,ip actions=ct(table=1)
        table=0,priority=5,ipv6 actions=ct(table=1)
        table=1,priority=9,ct_state=+trk+new,in_port=1,ip actions=ct(commit),output:2
        table=1,priority=9,ct_state=+trk+new,in_port=1,ipv6 actions=ct(commit),output:2
        table=1,priority=8,ct_state=+trk+est,in_port=1 actions=output:2
        table=1,priority=8,ct_state=+trk+est,in_port=2 actions=output:1
        table=1,priority=0 actions=drop
        """;

    [Theory]
    [InlineData("10.81.0.2")]
    [InlineData("fd81::2")]
    public void Established_traffic_of_a_firewall_stays_in_the_kernel(string to)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.81.0.1/24", "fd81::1/64"]), b = lab.AddHost("b", ["10.81.0.2/24", "fd81::2/64"]);
        using LiveSwitch s = Switch(Firewall, a, b);
        LiveStream.Send(lab, "a", "b", to, megabytes: Megabytes, taken: () => s[1].ByKernel.RxBytes);
        AssertStayed(s);
        Assert.NotEqual(0, lab.On("b", "ping", "-c", "1", "-W", "1", "10.81.0.1").Code);
        s.Stop();
    }

    /// <summary>The shadow found that they did: rules that are merged while a port is down know nothing of it.</summary>
    [Fact]
    public void A_port_that_is_down_gets_nothing_by_rules_in_the_kernel()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.85.0.1/24"]), b = lab.AddHost("b", ["10.85.0.2/24"]);
        using LiveSwitch s = Switch("actions=normal", a, b);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.85.0.2");
        using LiveProcess ping = lab.Begin("a", "ping", "-q", "-i", "0.01", "10.85.0.2");
        LiveLab.WaitFor(() => s[2].ByKernel.TxPackets > 20, "a rule in the kernel");
        for (int round = 0; round < 3; round++)
        {
            s.Datapath.Ports.SetLink(2, isUp: false, LiveSwitch.Now);
            Thread.Sleep(20);
            long sent = Sent(lab), arrived = Arrived(lab);
            LiveLab.WaitFor(() => Sent(lab) >= sent + 100, "pings");
            Assert.Equal(arrived, Arrived(lab));
            s.Datapath.Ports.SetLink(2, isUp: true, LiveSwitch.Now);
            ulong before = s[2].ByKernel.TxPackets;
            LiveLab.WaitFor(() => s[2].ByKernel.TxPackets > before + 20, "the rule in the kernel again");
        }

        // Rules in the kernel count as long as they are there.
        ping.Dispose();
        s.Stop();
    }

    private static long Arrived(LiveLab lab) => long.Parse(lab.Must("b", "cat", "/sys/class/net/eth0/statistics/rx_packets"), System.Globalization.CultureInfo.InvariantCulture);

    private static long Sent(LiveLab lab) => long.Parse(lab.Must("a", "cat", "/sys/class/net/eth0/statistics/tx_packets"), System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public void Addresses_are_translated_and_unfinished_checksums_with_them()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.82.0.1/24"]), b = lab.AddHost("b", ["10.83.0.2/24"]);
        lab.SetGateway("a", "10.82.0.254", GatewayMac);
        lab.SetGateway("b", "10.83.0.254", GatewayMac);
        lab.Must("b", "ip", "neigh", "replace", "10.83.0.100", "lladdr", GatewayMac, "dev", "eth0", "nud", "permanent");
        string router =
            $"""
            table=0,priority=5,ip actions=ct(table=1,zone=1,nat)
            table=1,priority=8,ct_state=+trk+new,in_port=1,ip actions=ct(commit,zone=1,nat(src=10.83.0.100),table=2)
            table=1,priority=7,ct_state=+trk+est,ip actions=resubmit(,2)
            table=2,in_port=1,ip actions=mod_dl_src:{GatewayMac},mod_dl_dst:{LiveLab.MacOf("b")},dec_ttl,output:2
            table=2,in_port=2,ip actions=mod_dl_src:{GatewayMac},mod_dl_dst:{LiveLab.MacOf("a")},dec_ttl,output:1
            """;
        using LiveSwitch s = Switch(router, a, b);
        EndPoint source = LiveStream.Send(lab, "a", "b", "10.83.0.2", megabytes: Megabytes, taken: () => s[1].ByKernel.RxBytes);
        Assert.StartsWith("10.83.0.100", source.ToString(), StringComparison.Ordinal);
        AssertStayed(s);
        Assert.Equal(0ul, Of(lab, "b", "TcpInCsumErrors"));
        Assert.Equal(0ul, Of(lab, "a", "TcpInCsumErrors"));
        s.Stop();
    }

    [Fact]
    public void Super_frames_get_a_tag_and_lose_it_again()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.84.0.1/24"]), b = lab.AddHost("b", ["10.84.0.2/24"]), left = lab.DeviceName("l"), right = lab.DeviceName("r");
        lab.Ip("link", "add", left, "type", "veth", "peer", "name", right);
        lab.Ip("link", "set", left, "up");
        lab.Ip("link", "set", right, "up");
        const string rules =
            """
            in_port=1 actions=mod_vlan_vid:7,output:2
            in_port=2,dl_vlan=7 actions=strip_vlan,output:1
            in_port=3,dl_vlan=7 actions=strip_vlan,output:4
            in_port=4 actions=mod_vlan_vid:7,output:3
            """;
        using LiveSwitch s = Switch(rules, a, left, right, b);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.84.0.2");
        LiveStream.Send(lab, "a", "b", "10.84.0.2", megabytes: Megabytes, taken: () => s[1].ByKernel.RxBytes);
        LiveStream.Send(lab, "b", "a", "10.84.0.1");
        AssertStayed(s);
        Assert.Equal(0ul, Of(lab, "b", "TcpInCsumErrors"));
        s.Stop();
    }

    public static TheoryData<string, ushort[], ushort[]> Tags => new()
    {
        { "in_port=1,dl_vlan=100 actions=mod_vlan_vid:200,output:2", [0x6064], [0x60c8] },
        { "in_port=1,dl_vlan=100 actions=strip_vlan,output:2", [0x6064, 0x0005], [0x0005] },
        { "in_port=1,dl_vlan=100 actions=push_vlan:0x8100,mod_vlan_vid:9,output:2", [0x0064], [0x0009, 0x0064] },
        { "in_port=1,vlan_tci=0 actions=mod_vlan_vid:9,output:2", [], [0x0009] },
        { "in_port=1,dl_vlan=100 actions=strip_vlan,output:2", [0x0064], [] },
    };

    /// <summary>The kernel takes the outer tag out of a frame that comes in: here it lies beside the frame, the inner one in it.</summary>
    [Theory]
    [MemberData(nameof(Tags))]
    public void Tags_change_in_the_kernel_as_they_do_in_software(string flow, ushort[] tags, ushort[] expected)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", []), b = lab.AddHost("b", []);
        using LiveSwitch s = Switch(flow, a, b);
        byte[] frame = Frame(tags), wanted = Frame(expected);
        using LiveWire from = new(lab, "a"), to = new(lab, "b");
        ulong before = 0;
        int sent = 0;
        LiveLab.WaitFor(
            () =>
            {
                // One that does not come up was the kernel's.
                before = CameUp(s);
                from.Send(frame);
                sent++;
                Assert.Equal(Convert.ToHexString(wanted), Convert.ToHexString(to.Receive(wanted.Length)));
                return CameUp(s) == before && s.Datapath.Kernel!.RuleCount > 0;
            },
            "a frame that the kernel forwards");
        Assert.True(sent > 1);
        s.Stop();
    }

    /// <summary>Ports through AF_XDP: rules stand in front of the sockets, and what they do not take comes up as before.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Rules_stand_in_front_of_the_sockets_of_xdp_ports(int shadowOneIn)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.89.0.1/24"]), b = lab.AddHost("b", ["10.89.0.2/24"]);
        lab.SwitchOffloadsOff("a", "b");
        foreach (string host in new[] { "a", "b" }) lab.Must(host, "ethtool", "-K", "eth0", "gro", "on");
        using LiveSwitch s = new(Firewall, OffloadMode.Kernel, shadowOneIn: shadowOneIn);
        List<ShadowDifference> differences = [];
        s.Datapath.Shadow!.Reported = differences.Add;
        s.Ports.Add(new XdpPort(1, a), LiveSwitch.Now);
        s.Ports.Add(new XdpPort(2, b), LiveSwitch.Now);
        LiveStream.Send(lab, "a", "b", "10.89.0.2", megabytes: 256, taken: () => s[1].ByKernel.RxBytes);
        PortStatistics all = s[1];
        Assert.True(all.ByKernel.RxPackets > all.RxPackets / 2, $"{all.ByKernel.RxPackets} of {all.RxPackets} packets stayed in the kernel");
        Assert.Equal(0ul, Of(lab, "b", "TcpInCsumErrors"));
        lab.Must("a", "sh", "-c", "ip neigh flush all; ping -c 1 -W 5 10.89.0.2 || true");
        Assert.Empty(differences.Select(static d => d.Difference));
        if (shadowOneIn > 0) LiveLab.WaitFor(() => s.Datapath.Shadow.Alike > 100, "packets that were checked");
        s.Stop();
    }

    [Fact]
    public void Rules_forward_from_tc_to_xdp_and_leave_the_way_back_to_software()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.90.0.1/24"]), b = lab.AddHost("b", ["10.90.0.2/24"]);
        lab.SwitchOffloadsOff("a", "b");
        using LiveSwitch s = new(Firewall, OffloadMode.Kernel);
        s.Ports.Add(new TcPort(1, a), LiveSwitch.Now);
        s.Ports.Add(new XdpPort(2, b), LiveSwitch.Now);
        LiveStream.Send(lab, "a", "b", "10.90.0.2", megabytes: 256, taken: () => s[1].ByKernel.RxBytes);
        PortStatistics from = s[1], to = s[2];
        Assert.True(from.ByKernel.RxPackets > from.RxPackets / 2, $"{from.ByKernel.RxPackets} of {from.RxPackets} packets stayed in the kernel");
        Assert.Equal(0ul, to.ByKernel.RxPackets);
        s.Stop();
    }

    /// <summary>A device goes while rules of new masks are made: its own rules go with it, the others stay.</summary>
    [Fact]
    public void A_device_that_goes_takes_no_other_rule_with_it()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", []), b = lab.AddHost("b", []), left = lab.DeviceName("l"), right = lab.DeviceName("r");
        lab.Ip("link", "add", left, "type", "veth", "peer", "name", right);
        lab.Ip("link", "set", left, "up");
        lab.Ip("link", "set", right, "up");
        using LiveSwitch s = Switch("in_port=1,udp,tp_dst=7 actions=output:2\nin_port=1,ip,nw_ttl=64 actions=mod_nw_tos:4,output:2\nin_port=2 actions=output:1", a, b, left);
        using LiveWire from = new(lab, "a"), to = new(lab, "b");
        Forwards(9);
        lab.Ip("link", "del", left);
        Forwards(7);
        LiveLab.WaitFor(() => s.Refresh().Count == 1, "a port that is gone");
        Assert.True(s.Ports.Remove(3, LiveSwitch.Now));
        Forwards(9);
        Forwards(7);
        s.Stop();

        void Forwards(ushort port)
        {
            byte[] frame = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Udp, NicFrame.UdpDatagram(5, port, 100 + port));
            ulong before = 0;
            LiveLab.WaitFor(
                () =>
                {
                    before = s[1].ByKernel.RxPackets;
                    from.Send(frame);
                    to.Receive(frame.Length);
                    return s[1].ByKernel.RxPackets > before;
                },
                $"a frame to port {port} that the kernel forwards");
        }
    }

    /// <summary>Less than a quarter of a stream came to this process; the port has counted all of it.</summary>
    private static void AssertStayed(LiveSwitch s)
    {
        PortStatistics all = s[1];
        ulong cameUp = all.RxBytes - all.ByKernel.RxBytes;
        Assert.True(cameUp < StreamBytes / 4, $"{cameUp} bytes of {StreamBytes} came up");
        Assert.InRange(all.RxBytes, StreamBytes, 2 * StreamBytes);
    }

    private static ulong CameUp(LiveSwitch s) => s[1].RxPackets - s[1].ByKernel.RxPackets;

    private static byte[] Frame(ushort[] tags)
    {
        NicFrame frame = NicFrame.New();
        foreach (ushort tci in tags) frame.Vlan(tci);
        return frame.Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Udp, NicFrame.UdpDatagram(7, 8, 100));
    }

    private static LiveSwitch Switch(string flows, params string[] devices)
    {
        LiveSwitch s = new(flows, OffloadMode.Kernel);
        foreach (string device in devices) s.Ports.Add(new TcPort((uint)s.Ports.All.Count + 1, device), LiveSwitch.Now);
        return s;
    }

    private static ulong Of(LiveLab lab, string host, string counter)
    {
        string line = lab.Must(host, "nstat", "-az", counter).Split('\n').Single(l => l.StartsWith(counter, StringComparison.Ordinal));
        return ulong.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
    }
}
