using Mergeflow.Engine.Text;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A tunnel whose other end is the kernel's: super-frames are cut up when they go in, and whole ones come out of it.</summary>
public sealed class LiveTunnelTests
{
    private const string Mac = "02:00:00:00:00:fe";

    [Theory]
    [InlineData("", true)]
    [InlineData("", false)]
    [InlineData("udpcsum", true)]
    public void A_host_reaches_another_through_VXLAN(string checksum, bool offloads)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.84.0.1/24"], mtuBytes: 1450), b = lab.AddHost("b", ["192.0.2.2/24"]);
        string[] device = ["ip", "link", "add", "vx0", "mtu", "1450", "type", "vxlan", "id", "5", "local", "192.0.2.2", "remote", "192.0.2.1", "dstport", "4789", "dev", "eth0"];
        if (lab.On("b", [.. device, .. checksum.Length > 0 ? new[] { checksum } : []]).Code != 0) Assert.Skip("the kernel has no VXLAN");
        lab.Must("b", "ip", "addr", "add", "10.84.0.2/24", "dev", "vx0");
        lab.Must("b", "ip", "link", "set", "vx0", "up");
        lab.Must("b", "ip", "neigh", "replace", "192.0.2.1", "lladdr", Mac, "dev", "eth0", "nud", "permanent");
        if (!offloads) lab.SwitchOffloadsOff("a", "b");
        using LiveSwitch s = new LiveSwitch("in_port=1 actions=output:9\nin_port=9 actions=output:1").With(a, b);
        TunnelPort tunnel = new TunnelPortParser(new PortNames(new Dictionary<string, uint>())).Parse(
            9,
            $"type=vxlan,remote_ip=192.0.2.2,key=5,out=2,addr=192.0.2.1,mac={Mac},gw_mac={LiveLab.MacOf("b")},csum={(checksum.Length > 0 ? "true" : "false")}");
        s.Datapath.Ports.Add(new PipelinePort("vx0", 9) { Tunnel = tunnel }, queues: 0, LiveSwitch.Now);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.84.0.2");
        LiveStream.Send(lab, "a", "b", "10.84.0.2");
        LiveStream.Send(lab, "b", "a", "10.84.0.1");
        LiveStream.Echo(lab, "a", "b", "10.84.0.2", 1400, 20);
        LiveStream.SendSegmented(lab, "a", "b", "10.84.0.2", 1200, 40);
        Assert.Equal(offloads, s[1].TxSuperFrames > 100);
        Assert.Equal(0ul, s[2].TxSuperFrames);
        Assert.Equal((0ul, 0ul), (s[1].RxDropped + s[1].TxDropped, s[2].RxDropped + s[2].TxDropped));
        s.Stop();
    }

    /// <summary>Two hosts with tunnels of their own: the switch knows nothing of them.</summary>
    [Fact]
    public void A_tunnel_between_two_hosts_passes_through_the_switch()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["192.0.2.1/24"]), b = lab.AddHost("b", ["192.0.2.2/24"]);
        foreach ((string host, string local, string remote, string address) in new[] { ("a", "192.0.2.1", "192.0.2.2", "10.84.0.1/24"), ("b", "192.0.2.2", "192.0.2.1", "10.84.0.2/24") })
        {
            if (lab.On(host, "ip", "link", "add", "vx0", "mtu", "1450", "type", "vxlan", "id", "5", "local", local, "remote", remote, "dstport", "4789", "dev", "eth0", "udpcsum").Code != 0) Assert.Skip("the kernel has no VXLAN");
            lab.Must(host, "ip", "addr", "add", address, "dev", "vx0");
            lab.Must(host, "ip", "link", "set", "vx0", "up");
        }

        using LiveSwitch s = new LiveSwitch().With(a, b);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.84.0.2");
        LiveStream.Send(lab, "a", "b", "10.84.0.2");
        LiveStream.Send(lab, "b", "a", "10.84.0.1");
        Assert.True(s[1].RxSuperFrames > 100);
        Assert.Equal((0ul, 0ul), (s[1].RxDropped + s[1].TxDropped, s[2].RxDropped + s[2].TxDropped));
        s.Stop();
    }

    /// <summary>One tunnel, two peers: the flow names the peer, routes and neighbours say where it is.</summary>
    [Fact]
    public void The_peer_is_the_one_that_the_flow_says_and_its_way_is_found()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.84.1.1/24", "10.84.2.1/24"], mtuBytes: 1450), b = lab.AddHost("b", ["192.0.2.2/24", "192.0.2.3/24"]), own = lab.DeviceName("br");
        foreach ((string device, string local, string address) in new[] { ("vx0", "192.0.2.2", "10.84.1.2/24"), ("vx1", "192.0.2.3", "10.84.2.2/24") })
        {
            if (lab.On("b", "ip", "link", "add", device, "mtu", "1450", "type", "vxlan", "id", device == "vx0" ? "5" : "6", "local", local, "remote", "192.0.2.1", "dstport", "4789", "dev", "eth0").Code != 0) Assert.Skip("the kernel has no VXLAN");
            lab.Must("b", "ip", "addr", "add", address, "dev", device);
            lab.Must("b", "ip", "link", "set", device, "up");
        }

        using TemporaryFolder folder = new();
        string flows = folder.Write("f.txt", """
            in_port=1,arp,arp_tpa=10.84.1.0/24 actions=set_field:192.0.2.2->tun_dst,set_field:5->tun_id,output:9
            in_port=1,ip,nw_dst=10.84.1.0/24 actions=set_field:192.0.2.2->tun_dst,set_field:5->tun_id,output:9
            in_port=1,arp,arp_tpa=10.84.2.0/24 actions=set_field:192.0.2.3->tun_dst,set_field:6->tun_id,output:9
            in_port=1,ip,nw_dst=10.84.2.0/24 actions=set_field:192.0.2.3->tun_dst,set_field:6->tun_id,output:9
            in_port=9 actions=output:1
            in_port=2 actions=output:3
            in_port=3 actions=output:2

            """);
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2", "--port", $"{own}=3,type=internal", "--port", $"vx0=9,type=vxlan,remote_ip=flow,key=flow,out={b},dev={own}", "--flows", flows);
        Assert.Contains("port 9: vx0 (vxlan): link down", s.Must("ports"), StringComparison.Ordinal);
        lab.Ip("addr", "add", "192.0.2.1/24", "dev", own);
        s.WaitFor($"tunnel 9: to any peer by {own}");
        foreach (string peer in new[] { "10.84.1.2", "10.84.2.2" }) LiveLab.WaitFor(() => lab.On("a", "ping", "-c", "1", "-W", "1", peer).Code == 0, $"an answer of {peer}");
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.84.1.2");
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.84.2.2");
        LiveStream.Send(lab, "a", "b", "10.84.1.2", megabytes: 4);

        // Another machine has the peers' addresses; then there is no way.
        lab.Must("b", "ip", "link", "set", "eth0", "address", "02:00:00:00:00:77");
        lab.Ip("neigh", "flush", "dev", own);
        LiveLab.WaitFor(() => lab.On("a", "ping", "-c", "1", "-W", "1", "10.84.2.2").Code == 0, "an answer by the new next hop");
        lab.Ip("addr", "del", "192.0.2.1/24", "dev", own);
        s.WaitFor($"tunnel 9: no way to any peer by {own}");
        Assert.Equal(0, s.End());
    }

    [Fact]
    public void The_way_of_a_tunnel_is_found_and_followed()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.84.0.1/24"], mtuBytes: 1450), b = lab.AddHost("b", ["192.0.2.2/24"]), own = lab.DeviceName("br");
        if (lab.On("b", "ip", "link", "add", "vx0", "mtu", "1450", "type", "vxlan", "id", "5", "local", "192.0.2.2", "remote", "192.0.2.1", "dstport", "4789", "dev", "eth0").Code != 0) Assert.Skip("the kernel has no VXLAN");
        lab.Must("b", "ip", "addr", "add", "10.84.0.2/24", "dev", "vx0");
        lab.Must("b", "ip", "link", "set", "vx0", "up");
        using TemporaryFolder folder = new();
        string flows = folder.Write("f.txt", "in_port=1 actions=output:9\nin_port=9 actions=output:1\nin_port=2 actions=output:3\nin_port=3 actions=output:2\n");
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2", "--port", $"{own}=3,type=internal", "--port", $"vx0=9,type=vxlan,remote_ip=192.0.2.2,key=5,out={b},dev={own}", "--flows", flows);
        Assert.Contains("port 9: vx0 (vxlan): link down", s.Must("ports"), StringComparison.Ordinal);
        lab.Ip("addr", "add", "192.0.2.1/24", "dev", own);
        s.WaitFor($"tunnel 9: to 192.0.2.2 by {own}, next hop {LiveLab.MacOf("b")}");
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.84.0.2");
        LiveStream.Send(lab, "a", "b", "10.84.0.2");
        LiveStream.Send(lab, "b", "a", "10.84.0.1");
        LiveLab.WaitFor(() => s.Must("ports").Contains("port 9: vx0 (vxlan): up", StringComparison.Ordinal), "the port to be up");
        Assert.DoesNotContain("RX packets:0 ", s.Must("ports", "-s").Split("port 9:")[1], StringComparison.Ordinal);

        // Another machine has the peer's address.
        lab.Must("b", "ip", "link", "set", "eth0", "address", "02:00:00:00:00:77");
        lab.Ip("neigh", "flush", "dev", own);
        s.WaitFor($"tunnel 9: to 192.0.2.2 by {own}, next hop 02:00:00:00:00:77");
        LiveLab.WaitFor(() => lab.On("a", "ping", "-c", "1", "-W", "2", "10.84.0.2").Code == 0, "an answer by the new next hop");
        lab.Ip("addr", "del", "192.0.2.1/24", "dev", own);
        s.WaitFor($"tunnel 9: no way to 192.0.2.2 by {own}");
        LiveLab.WaitFor(() => s.Must("ports").Contains("port 9: vx0 (vxlan): link down", StringComparison.Ordinal), "the port to be down");
        Assert.Equal(0, s.End());
    }
}
