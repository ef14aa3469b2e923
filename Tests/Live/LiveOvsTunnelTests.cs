using Mergeflow.Engine.Text;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Tunnels whose other end is Open vSwitch's userspace datapath.</summary>
public sealed class LiveOvsTunnelTests
{
    private const string Mac = "02:00:00:00:00:fe";

    private static readonly ulong StreamBytes = (ulong)LiveStream.Megabytes << 20;

    /// <summary>The address below is nobody's but the rule's.</summary>
    private const string Answer =
        $"in_port=2,arp,arp_tpa=192.0.2.1,arp_op=1 actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],mod_dl_src:{Mac},load:2->NXM_OF_ARP_OP[],move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],"
        + "move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],load:0x0200000000fe->NXM_NX_ARP_SHA[],load:0xc0000201->NXM_OF_ARP_SPA[],in_port\n";

    [Theory]
    [InlineData("geneve", "5", "false")]
    [InlineData("geneve", "5", "true")]
    [InlineData("gre", "5", "false")]
    [InlineData("gre", "77", "true")]
    [InlineData("vxlan", "5", "false")]
    public void A_host_reaches_another_behind_Open_vSwitch(string type, string key, string checksum)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.84.0.1/24"], mtuBytes: 1400), b = lab.AddHost("b", []), own = lab.DeviceName("br");
        using OvsPeer peer = new(lab, "b", "192.0.2.2/24", [$"type={type}", "options:remote_ip=192.0.2.1", $"options:key={key}", $"options:csum={checksum}"], "10.84.0.2/24");
        using TemporaryFolder folder = new();
        string flows = folder.Write("f.txt", "in_port=1 actions=output:9\nin_port=9 actions=output:1\nin_port=2 actions=output:3\nin_port=3 actions=output:2\n");
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2", "--port", $"{own}=3,type=internal", "--port", $"tun0=9,type={type},remote_ip=192.0.2.2,key={key},csum={checksum},out={b},dev={own}", "--flows", flows);
        Assert.True(s.IsRunning, s.Said);
        lab.Ip("addr", "add", "192.0.2.1/24", "dev", own);
        s.WaitFor($"tunnel 9: to 192.0.2.2 by {own}, next hop ");
        PassBothWays(lab, s);

        // Open vSwitch counts what megaflows have carried a moment later.
        LiveLab.WaitFor(() => peer.Statistics is { Rx: > 100, Tx: > 100 }, "Open vSwitch's count of the tunnel's packets");
        s.Must("offload", "audit");
    }

    [Theory]
    [InlineData("geneve")]
    [InlineData("gre")]
    public void Peer_and_key_are_those_that_flows_say(string type)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.84.0.1/24"], mtuBytes: 1400), b = lab.AddHost("b", []);
        using OvsPeer peer = new(lab, "b", "192.0.2.2/24", [$"type={type}", "options:remote_ip=192.0.2.1", "options:key=4660"], "10.84.0.2/24");
        using TemporaryFolder folder = new();
        string flows = folder.Write("f.txt", "in_port=1 actions=set_field:192.0.2.2->tun_dst,set_field:4660->tun_id,output:9\nin_port=9,tun_src=192.0.2.2,tun_id=4660 actions=output:1\n" + Answer);
        using SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2", "--port", $"tun0=9,type={type},remote_ip=flow,key=flow,out={b},addr=192.0.2.1,mac={Mac},gw_mac={lab.Must("b", "cat", "/sys/class/net/br-phy/address").Trim()}", "--flows", flows);
        Assert.True(s.IsRunning, s.Said);
        PassBothWays(lab, s);
    }

    [Theory]
    [InlineData("geneve", "5")]
    [InlineData("gre", "77")]
    [InlineData("gre", "0")]
    [InlineData("vxlan", "5")]
    public void Connections_with_a_host_behind_Open_vSwitch_are_in_the_kernel(string type, string key)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.84.0.1/24"], mtuBytes: 1400), b = lab.AddHost("b", []);
        using OvsPeer peer = new(lab, "b", "192.0.2.2/24", [$"type={type}", "options:remote_ip=192.0.2.1", $"options:key={key}"], "10.84.0.2/24");
        using LiveSwitch s = new(LiveKernelTunnelTests.Router + "\npriority=2," + Answer, OffloadMode.Kernel, shadowOneIn: 10);
        List<ShadowDifference> differences = [];
        s.Datapath.Shadow!.Reported = differences.Add;
        foreach (string port in new[] { a, b }) s.Ports.Add(new TcPort((uint)s.Ports.All.Count + 1, port), LiveSwitch.Now);
        string way = $"out=2,addr=192.0.2.1,mac={Mac},gw_mac={lab.Must("b", "cat", "/sys/class/net/br-phy/address").Trim()}";
        TunnelPort tunnel = new TunnelPortParser(new PortNames(new Dictionary<string, uint>())).Parse(9, $"type={type},remote_ip=192.0.2.2,{way}{(key == "0" ? "" : $",key={key}")}");
        s.Datapath.Ports.Add(new PipelinePort("tun0", 9) { Tunnel = tunnel }, queues: 0, LiveSwitch.Now);

        // Its ports take neither super-frames nor unfinished sums, which a network card would finish.
        lab.Must("a", "ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off");
        for (int i = 0; lab.On("a", "ping", "-c", "1", "-W", "1", "10.84.0.2").Code != 0; i++) Assert.True(i < 20, "no answer from behind Open vSwitch");
        LiveLab.WaitFor(
            () =>
            {
                LiveStream.Echo(lab, "a", "b", "10.84.0.2", 1300, 100);
                return s[2].ByKernel is { RxPackets: > 40, TxPackets: > 40 };
            },
            "packets by rules in the kernel");
        (ulong rx, ulong tx) = (s[2].ByKernel.RxBytes, s[2].ByKernel.TxBytes);
        LiveStream.Send(lab, "a", "b", "10.84.0.2", taken: () => s[2].ByKernel.TxBytes);
        LiveStream.Send(lab, "b", "a", "10.84.0.1", taken: () => s[2].ByKernel.RxBytes);
        Assert.InRange(s[2].ByKernel.TxBytes - tx, StreamBytes / 2, 3 * StreamBytes);
        Assert.InRange(s[2].ByKernel.RxBytes - rx, StreamBytes / 2, 3 * StreamBytes);
        LiveLab.WaitFor(() => s.Datapath.Shadow!.Alike > 10, "hits that were looked at");
        Assert.Empty(differences.Select(static d => d.Difference));
        (long received, long sent) = peer.Statistics;
        Assert.True(received > 100 && sent > 100, $"{received} received, {sent} sent by Open vSwitch's tunnel");
        s.Stop();
    }

    [Fact]
    public void A_Geneve_option_is_read_and_sent()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.84.0.1/24"], mtuBytes: 1400), b = lab.AddHost("b", []), own = lab.DeviceName("br");
        using OvsPeer peer = new(lab, "b", "192.0.2.2/24", ["type=geneve", "options:remote_ip=192.0.2.1", "options:key=5"], "10.84.0.2/24");
        peer.Ofctl("add-tlv-map", "{class=0x102,type=0x80,len=4}->tun_metadata0");
        peer.Ofctl("del-flows");
        peer.Ofctl("add-flow", "in_port=9,tun_metadata0=0x1234 actions=LOCAL");
        peer.Ofctl("add-flow", "in_port=LOCAL actions=set_field:0x4321->tun_metadata0,output:9");
        using TemporaryFolder folder = new();
        string flows = folder.Write("f.txt", "in_port=1 actions=set_field:0x1234->tun_metadata0,output:9\nin_port=9 actions=move:NXM_NX_TUN_METADATA0[0..31]->NXM_NX_REG0[],resubmit(,1)\ntable=1,reg0=0x4321 actions=output:1\nin_port=2 actions=output:3\nin_port=3 actions=output:2\n");
        string config = folder.Write("c.json", """{"config":{"tlv_map":"{class=0x102,type=0x80,len=4}->tun_metadata0"}}""");
        using SwitchRun s = new("--config", config, "--port", $"{a}=1", "--port", $"{b}=2", "--port", $"{own}=3,type=internal", "--port", $"tun0=9,type=geneve,remote_ip=192.0.2.2,key=5,out={b},dev={own}", "--flows", flows);
        Assert.True(s.IsRunning, s.Said);
        lab.Ip("addr", "add", "192.0.2.1/24", "dev", own);
        PassBothWays(lab, s);
    }

    private static void PassBothWays(LiveLab lab, SwitchRun s)
    {
        for (int i = 0; lab.On("a", "ping", "-c", "1", "-W", "1", "10.84.0.2").Code != 0; i++) Assert.True(i < 20, s.Must("ports", "-s") + s.Must("dump-dp-flows") + s.Said);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.84.0.2");
        LiveStream.Send(lab, "a", "b", "10.84.0.2");
        LiveStream.Send(lab, "b", "a", "10.84.0.1");
        LiveStream.Echo(lab, "a", "b", "10.84.0.2", 1300, 20);
    }
}
