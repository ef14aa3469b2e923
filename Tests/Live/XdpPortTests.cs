using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Hosts reach each other through a switch whose ports are AF_XDP sockets. Their ends of the veth pairs make checksums themselves, as a wire would have them.</summary>
public sealed class XdpPortTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Hosts_reach_each_other(int queues)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.79.0.1/24", "fd79::1/64"], queues: queues), b = lab.AddHost("b", ["10.79.0.2/24", "fd79::2/64"], queues: queues);
        lab.SwitchOffloadsOff("a", "b");
        using LiveSwitch s = new();
        s.Ports.Add(new XdpPort(1, a), LiveSwitch.Now);
        s.Ports.Add(new XdpPort(2, b), LiveSwitch.Now);
        Assert.All(s.Ports.All, p => Assert.Equal(("xdp", queues), (p.Datapath, p.QueueCount)));
        lab.Must("a", "ping", "-c", "5", "-i", "0.05", "-W", "5", "10.79.0.2");
        lab.Must("b", "ping", "-6", "-c", "5", "-i", "0.05", "-W", "5", "fd79::1");
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "-s", "1472", "10.79.0.2");
        Assert.Equal((0ul, 0ul), (s[1].RxDropped + s[1].TxDropped, s[2].RxDropped + s[2].TxDropped));
        Assert.True(s[1].RxPackets >= 13 && s[2].TxPackets >= 13);
        s.Stop();
    }

    /// <summary>Super-frames with unfinished checksums from the one side are frames of a wire on the other.</summary>
    [Fact]
    public void A_stream_passes_between_a_tc_port_and_an_xdp_port()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.79.1.1/24"]), b = lab.AddHost("b", ["10.79.1.2/24"]);
        lab.SwitchOffloadsOff("b");
        using LiveSwitch s = new();
        s.Ports.Add(new TcPort(1, a), LiveSwitch.Now);
        s.Ports.Add(new XdpPort(2, b), LiveSwitch.Now);
        if (lab.On("a", "sh", "-c", "command -v iperf3").Code != 0) Assert.Skip("needs iperf3");
        using LiveProcess server = lab.Begin("b", "iperf3", "-s", "-1");
        LiveLab.WaitFor(() => lab.On("b", "ss", "-ltn").Text.Contains(":5201", StringComparison.Ordinal), "a listener");
        lab.Must("a", "iperf3", "-C", "cubic", "-c", "10.79.1.2", "-n", "8M");
        Assert.True(s[1].RxSuperFrames > 0);
        Assert.Contains("TcpInCsumErrors                 0", lab.Must("b", "nstat", "-az", "TcpInCsumErrors").Replace("\t", " ", StringComparison.Ordinal), StringComparison.Ordinal);
        s.Stop();
    }

    [Fact]
    public void The_queue_and_the_device_are_free_when_the_port_is_closed()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.79.2.1/24"]);
        new XdpPort(1, a).Dispose();
        using XdpPort again = new(1, a);
        Assert.Contains("busy", Assert.Throws<IOException>(() => new XdpPort(2, a)).Message, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A veth that nobody has said a number for has room for a queue per processor and uses one.</summary>
    [Fact]
    public void Queues_that_a_device_does_not_use_are_left_out()
    {
        using LiveLab lab = new();
        string left = lab.DeviceName("l"), right = lab.DeviceName("r");
        lab.Ip("link", "add", left, "type", "veth", "peer", "name", right);
        using XdpPort port = new(1, left);
        Assert.InRange(port.QueueCount, 1, Environment.ProcessorCount);
    }

    [Fact]
    public void An_MTU_that_does_not_fit_is_refused()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.79.3.1/24"], mtuBytes: 9000);
        Assert.Contains("takes an MTU of 3822 at most, not 9000", Assert.Throws<IOException>(() => new XdpPort(1, a)).Message, StringComparison.Ordinal);
    }
}
