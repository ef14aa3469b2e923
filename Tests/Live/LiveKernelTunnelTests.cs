using Mergeflow.Engine.Text;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Tunnels by rules in the kernel, whose other end is the kernel's own VXLAN or Geneve: what is established goes into them and comes out of them without this process.</summary>
public sealed class LiveKernelTunnelTests
{
    private const string Mac = "02:00:00:00:00:fe";
    private const int Packets = 40;
    private const ulong SlowBytes = 1 << 14;

    private const string Forward = "in_port=1 actions=output:9\nin_port=9 actions=output:1";

    /// <summary>Connections are tracked, and routed on the way.</summary>
    internal const string Router =
        """
        table=0,ip actions=ct(table=1)
        table=0,priority=1,in_port=1,arp actions=output:9
        table=0,priority=1,in_port=9,arp actions=output:1
        table=1,ct_state=+new,ip actions=ct(commit,table=2)
        table=1,priority=1,ip actions=resubmit(,2)
        table=2,in_port=1,ip actions=dec_ttl,output:9
        table=2,in_port=9,ip actions=dec_ttl,output:1
        """;

    [Theory]
    [InlineData("vxlan", false, false)]
    [InlineData("vxlan", true, true)]
    [InlineData("geneve", false, true)]
    [InlineData("geneve", true, false)]
    public void Hosts_reach_each_other_through_a_tunnel_in_the_kernel(string kind, bool hasSum, bool isRouted)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.84.0.1/24"], mtuBytes: 1450), b = lab.AddHost("b", ["192.0.2.2/24"]);
        string[] device = kind == "vxlan"
            ? ["ip", "link", "add", "tun0", "mtu", "1450", "type", "vxlan", "id", "5", "local", "192.0.2.2", "remote", "192.0.2.1", "dstport", "4789", "dev", "eth0", hasSum ? "udpcsum" : "noudpcsum"]
            : ["ip", "link", "add", "tun0", "mtu", "1450", "type", "geneve", "id", "5", "remote", "192.0.2.1", hasSum ? "udpcsum" : "noudpcsum"];
        if (lab.On("b", device).Code != 0) Assert.Skip($"the kernel has no {kind}");
        lab.Must("b", "ip", "addr", "add", "10.84.0.2/24", "dev", "tun0");
        lab.Must("b", "ip", "link", "set", "tun0", "up");
        lab.Must("b", "ip", "neigh", "replace", "192.0.2.1", "lladdr", Mac, "dev", "eth0", "nud", "permanent");
        using LiveSwitch s = new(isRouted ? Router : Forward, OffloadMode.Kernel, shadowOneIn: 10);
        List<ShadowDifference> differences = [];
        s.Datapath.Shadow!.Reported = differences.Add;
        foreach (string port in new[] { a, b }) s.Ports.Add(new TcPort((uint)s.Ports.All.Count + 1, port), LiveSwitch.Now);
        TunnelPort tunnel = new TunnelPortParser(new PortNames(new Dictionary<string, uint>())).Parse(9, $"type={kind},remote_ip=192.0.2.2,key=5,out=2,addr=192.0.2.1,mac={Mac},gw_mac={LiveLab.MacOf("b")},csum={(hasSum ? "true" : "false")}");
        s.Datapath.Ports.Add(new PipelinePort("tun0", 9) { Tunnel = tunnel }, queues: 0, LiveSwitch.Now);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.84.0.2");

        // Both ways in the kernel.
        LiveLab.WaitFor(
            () =>
            {
                // A ping with connections tracked has no rule.
                LiveStream.Echo(lab, "a", "b", "10.84.0.2", 100, 100);
                return s[2].ByKernel is { RxPackets: > Packets, TxPackets: > Packets };
            },
            "packets by rules in the kernel");
        LiveStream.Echo(lab, "a", "b", "10.84.0.2", 1400, 20);
        LiveStream.Send(lab, "a", "b", "10.84.0.2", taken: () => hasSum ? Left(Nic.KernelLeft.SuperFrameChecksum) : s[2].ByKernel.TxBytes);
        ulong streamed = s[2].ByKernel.TxBytes;
        LiveStream.Send(lab, "b", "a", "10.84.0.1", taken: () => Left(Nic.KernelLeft.SuperFrameInside));

        // A super-frame goes into a tunnel whole, if its frames need no sums; one that comes out of a tunnel is software's.
        ulong stream = (ulong)LiveStream.Megabytes << 20;
        if (!hasSum) Assert.InRange(streamed, stream / 2, 2 * stream);
        else Assert.NotEqual(0ul, s.Datapath.Kernel!.LeftFor(Nic.KernelLeft.SuperFrameChecksum));
        Assert.NotEqual(0ul, s.Datapath.Kernel!.LeftFor(Nic.KernelLeft.SuperFrameInside));

        // Frames as a wire has them come out of it in the kernel too.
        lab.Must("b", "ethtool", "-K", "eth0", "tso", "off", "gso", "off");
        lab.Must("b", "ethtool", "-K", "tun0", "tso", "off", "gso", "off");
        ulong before = s[2].ByKernel.RxBytes;
        LiveStream.Send(lab, "b", "a", "10.84.0.1", taken: () => s[2].ByKernel.RxBytes);
        Assert.InRange(s[2].ByKernel.RxBytes - before, stream / 2, 2 * stream);
        LiveLab.WaitFor(() => s.Datapath.Shadow!.Alike > 10, "hits that were looked at");
        Assert.Empty(differences.Select(static d => d.Difference));
        s.Stop();

        // A stream that begins slowly has super-frames of so many bytes.
        ulong Left(Nic.KernelLeft reason) => s.Datapath.Kernel!.LeftFor(reason) * SlowBytes;
    }
}
