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
        using LiveSwitch s = Switch(a, b, Firewall);
        LiveStream.Send(lab, "a", "b", to, megabytes: Megabytes);
        Assert.True(s[1].RxBytes < StreamBytes / 2, $"{s[1].RxBytes} bytes of {StreamBytes} came up");
        Assert.NotEqual(0, lab.On("b", "ping", "-c", "1", "-W", "1", "10.81.0.1").Code);
        s.Stop();
    }

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
        using LiveSwitch s = Switch(a, b, router);
        EndPoint source = LiveStream.Send(lab, "a", "b", "10.83.0.2", megabytes: Megabytes);
        Assert.StartsWith("10.83.0.100", source.ToString(), StringComparison.Ordinal);
        Assert.True(s[1].RxBytes < StreamBytes / 2, $"{s[1].RxBytes} bytes of {StreamBytes} came up");
        Assert.Equal(0ul, Of(lab, "b", "TcpInCsumErrors"));
        Assert.Equal(0ul, Of(lab, "a", "TcpInCsumErrors"));
        s.Stop();
    }

    private static LiveSwitch Switch(string a, string b, string flows)
    {
        LiveSwitch s = new(flows, OffloadMode.Kernel);
        s.Ports.Add(new TcPort(1, a), LiveSwitch.Now);
        s.Ports.Add(new TcPort(2, b), LiveSwitch.Now);
        return s;
    }

    private static ulong Of(LiveLab lab, string host, string counter)
    {
        string line = lab.Must(host, "nstat", "-az", counter).Split('\n').Single(l => l.StartsWith(counter, StringComparison.Ordinal));
        return ulong.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
    }
}
