using System.Globalization;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What the kernel loses of a port's frames, where the port's own counters cannot see it, is counted for the port, with the kernel's reason.</summary>
public sealed class LiveKernelDropTests
{
    /// <summary>The far end of a pair takes shorter frames than the port was told.</summary>
    [Theory]
    [InlineData("tc")]
    [InlineData("clsact")]
    [InlineData("packet")]
    public void What_is_lost_behind_the_port_is_counted_there(string datapath)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.85.0.1/24"]), b = lab.AddHost("b", ["10.85.0.2/24"]), other = lab.AddHost("c", ["10.85.0.3/24"]);
        foreach (string host in new[] { "a", "b", "c" }) lab.Must(host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
        using LiveSwitch s = Counting(lab, datapath, a, b, other);
        lab.Must("a", "ping", "-c", "2", "-i", "0.05", "-W", "5", "10.85.0.2");
        Assert.Equal((0ul, 0ul), (s[1].TxLostInKernel, s[2].TxLostInKernel));
        lab.Must("b", "ip", "link", "set", "eth0", "mtu", "600");
        ulong before = s[2].TxPackets;
        long arrivedBefore = Arrived(lab, "b");
        Assert.NotEqual(0, lab.On("a", "ping", "-c", "20", "-i", "0.01", "-W", "1", "-s", "1000", "10.85.0.2").Code);
        LiveLab.WaitFor(() => s[2].InKernel.Sum(static d => (long)d.Count) >= 20, "the losses");

        // A packet socket may be told, and counts it itself then.
        PortStatistics lost = s[2];
        Assert.Equal(20ul, lost.TxLostInKernel + lost.TxDropped);
        Assert.All(lost.InKernel, static d => Assert.False(d.IsReceived));
        LiveLab.WaitFor(() => (long)(s[2].TxPackets + s[2].TxDropped - before) == Arrived(lab, "b") - arrivedBefore + 20, "what was sent to have arrived or be lost");
        Assert.Equal((0ul, 0ul), (s[1].TxLostInKernel, s[3].TxLostInKernel));
        s.Stop();
    }

    /// <summary>Devices that are none of ours are remembered, so that their frames cost little: one that becomes a port is not.</summary>
    [Fact]
    public void A_device_whose_losses_were_not_looked_at_is_counted_once_it_is_a_port()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.85.3.1/24"]), b = lab.AddHost("b", ["10.85.3.2/24"]);
        foreach (string host in new[] { "a", "b" }) lab.Must(host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
        using LiveSwitch s = Counting(lab, "tc", a);
        using LiveWire wire = new(lab, "b");
        byte[] frame = new byte[64];
        Convert.FromHexString("ffffffffffff" + "020000000062" + "88b5").CopyTo(frame, 0);
        for (int i = 0; i < 50; i++) wire.Send(frame);
        s.Add(SystemPort.Open(2, b, "tc"));
        lab.Must("a", "ping", "-c", "2", "-i", "0.05", "-W", "5", "10.85.3.2");
        lab.Must("b", "ip", "link", "set", "eth0", "mtu", "600");
        Assert.NotEqual(0, lab.On("a", "ping", "-c", "20", "-i", "0.01", "-W", "1", "-s", "1000", "10.85.3.2").Code);
        LiveLab.WaitFor(() => s[2].InKernel.Sum(static d => (long)d.Count) >= 20, "the losses");
        Assert.Equal(20ul, s[2].TxLostInKernel + s[2].TxDropped);
        s.Stop();
    }

    /// <summary>More comes than fits the way to a packet thread that does not look.</summary>
    [Theory]
    [InlineData("tc", "FULL_RING")]
    [InlineData("packet", "PACKET_SOCK_ERROR")]
    [InlineData("xdp", "XDP_REDIRECT")]
    public void What_a_busy_thread_has_no_room_for_has_the_kernels_reason(string datapath, string reason)
    {
        const int frames = 12_000;
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.85.1.1/24"]), b = lab.AddHost("b", ["10.85.1.2/24"]);
        using LiveSwitch s = Counting(lab, datapath, a, b);
        foreach (string host in new[] { "a", "b" }) lab.Must(host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
        using LiveWire wire = new(lab, "a");
        byte[] frame = new byte[900];
        Convert.FromHexString("020000000062" + "020000000061" + "88b5").CopyTo(frame, 0);
        ulong before = s[1].RxPackets;
        s.Datapath.Pause(() =>
        {
            for (int i = 0; i < frames; i++) wire.Send(frame);
            return 0;
        });
        LiveLab.WaitFor(() => s[1].RxPackets + s[1].RxDropped - before >= frames, "all frames to be counted");
        PortStatistics counted = s[1];
        Assert.Equal((ulong)frames, counted.RxPackets + counted.RxDropped - before);
        Assert.True(counted[PortDrop.RxKernel] > 0);
        KernelDrop told = Assert.Single(counted.InKernel, static d => d.IsReceived);
        Assert.Equal((reason, counted[PortDrop.RxKernel], true), (told.Reason, told.Count, told.IsCounted));
        Assert.Equal(0ul, counted.RxLostInKernel);
        s.Stop();
    }

    /// <summary>What the host itself loses, drops or is not meant to get is no loss of a port beside it.</summary>
    [Fact]
    public void What_the_hosts_stack_makes_of_its_copies_is_no_loss()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.85.2.1/24"]), b = lab.AddHost("b", ["10.85.2.2/24"]), tap = lab.DeviceName("br");
        using LiveSwitch s = Counting(lab, "packet", a, b);
        s.Add(TapPort.Open(3, tap, isInternal: true));
        lab.Ip("addr", "add", "10.85.2.3/24", "dev", tap);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.85.2.2");
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.85.2.3");

        // Nobody listens there.
        lab.On("a", "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do echo x >/dev/udp/10.85.2.3/7777; done");
        LiveStream.Send(lab, "a", "b", "10.85.2.2", megabytes: 4);
        Assert.All(s.Ports.All, static p => Assert.Empty(p.Statistics().InKernel));
        s.Stop();
    }

    private static LiveSwitch Counting(LiveLab lab, string datapath, params string[] devices)
    {
        LiveSwitch s = new(watchesKernelDrops: true);
        if (datapath == "xdp") lab.SwitchOffloadsOff("a", "b");
        for (int i = 0; i < devices.Length; i++) s.Add(SystemPort.Open((uint)i + 1, devices[i], datapath));
        if (s.Ports.KernelDropsRefusal is { } refusal)
        {
            s.Dispose();
            Assert.Skip($"what the kernel loses cannot be counted here: {refusal}");
        }

        return s;
    }

    private static long Arrived(LiveLab lab, string host) => long.Parse(lab.Must(host, "cat", "/sys/class/net/eth0/statistics/rx_packets"), CultureInfo.InvariantCulture);
}
