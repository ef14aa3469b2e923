using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Devices go down, come back and disappear while packets pass: no thread burns its processor for that, and the rest goes on.</summary>
[Collection(nameof(AloneCollection))]
public sealed class LiveChangeTests
{
    /// <summary>An idle switch wakes some ten times a second; one that spins has the whole second.</summary>
    private const double MostOfAProcessor = 0.5;

    [Fact]
    public void A_port_that_flaps_under_traffic_carries_again_each_time()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.82.0.1/24"]), b = lab.AddHost("b", ["10.82.0.2/24"]);
        using LiveSwitch s = new LiveSwitch(offload: OffloadMode.Soft).With(a, b);
        using LiveProcess flood = lab.Begin("a", "ping", "-i", "0.002", "10.82.0.2");
        for (int i = 0; i < 10; i++)
        {
            ulong before = s[2].TxPackets;
            LiveLab.WaitFor(() => s[2].TxPackets > before + 10, "packets");
            lab.Ip("link", "set", b, "down");
            LiveLab.WaitFor(() => s.Refresh().Count == 0 && !s.Ports.All[1].HasCarrier, "the link to be down");
            lab.Ip("link", "set", b, "up");
            LiveLab.WaitFor(() => s.Refresh().Count == 0 && s.Ports.All[1].HasCarrier, "the link to be up");
        }

        s.Stop();
    }

    [Theory]
    [InlineData("packet")]
    [InlineData("tc")]
    [InlineData("clsact")]
    [InlineData("xdp")]
    [InlineData("tap")]
    public void A_device_that_is_deleted_under_traffic_is_seen_to_be_gone_and_nobody_spins(string kind)
    {
        bool isTap = kind == "tap";
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.82.0.1/24"]), b = lab.AddHost("b", ["10.82.0.2/24"]), c = lab.AddHost("c", ["10.82.0.3/24"]), tap = lab.DeviceName("t");
        if (kind == "xdp") lab.SwitchOffloadsOff("a", "b", "c");
        using LiveSwitch s = new();
        foreach (string device in new[] { a, b, c }) s.Add(SystemPort.Open((uint)s.Ports.All.Count + 1, device, isTap ? "packet" : kind));
        s.Add(TapPort.Open(4, tap));
        using LiveProcess flood = lab.Begin("a", "ping", "-i", "0.002", "10.82.0.3");
        LiveLab.WaitFor(() => s[3].TxPackets > 20, "packets");
        lab.Ip("link", "del", isTap ? tap : c);
        LiveLab.WaitFor(() => s.Refresh().Count == 1, "the device to be gone");
        Assert.Equal(isTap ? "tap" : "system", s.Refresh()[0].Type);
        flood.Dispose();

        // The port is still there, its queue and its descriptor too.
        // A thread that spins does so every second; what the runtime compiles beside it ends.
        long sleeps = s.Sleeps;
        LiveLab.WaitFor(static () => SecondsOfASecond() < MostOfAProcessor, "a second of idleness");
        Assert.True(s.Sleeps > sleeps);
        s.Ports.Remove(s.Refresh()[0].Number, LiveSwitch.Now);
        Assert.Equal(3, s.Ports.All.Count);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.82.0.2");
        s.Stop();
    }

    private static double SecondsOfASecond()
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        Thread.Sleep(1000);
        return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
    }

    [Fact]
    public void Ports_come_and_go_under_traffic()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.82.0.1/24"]), b = lab.AddHost("b", ["10.82.0.2/24"]);
        using LiveSwitch s = new LiveSwitch(offload: OffloadMode.Soft, pmds: 2).With(a, b);
        using LiveProcess flood = lab.Begin("a", "ping", "-i", "0.002", "10.82.0.2");
        for (int i = 0; i < 10; i++)
        {
            ulong before = s[2].TxPackets;
            LiveLab.WaitFor(() => s[2].TxPackets > before + 10, "packets");
            Assert.True(s.Ports.Remove(2, LiveSwitch.Now));
            Assert.False(s.Ports.Remove(2, LiveSwitch.Now));
            s.Add(new PacketSocketPort(2, b, queueCount: 1 + (i % 2)));
        }

        Assert.Throws<ArgumentException>(() => s.Ports.Add(new PacketSocketPort(2, b), LiveSwitch.Now));
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.82.0.2");
        s.Stop();
    }

    /// <summary>The queues of a port share what comes in, and see nothing of what goes out: else addresses of one side would be learned on the other.</summary>
    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    public void A_port_with_queues_takes_in_what_its_device_receives_and_no_more(OffloadMode offload)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.82.0.1/24"]), b = lab.AddHost("b", ["10.82.0.2/24"]);
        using LiveSwitch s = new(offload: offload, pmds: 2);
        s.Add(new PacketSocketPort(1, a, queueCount: 2));
        s.Add(new PacketSocketPort(2, b, queueCount: 3));
        lab.Must("a", "ping", "-c", "50", "-i", "0.01", "-W", "5", "10.82.0.2");
        lab.Must("b", "ping", "-c", "50", "-i", "0.01", "-W", "5", "10.82.0.1");
        LiveLab.WaitFor(() => s[2].TxPackets >= 100, "what b has got");
        Assert.All(new[] { s[1], s[2] }, static port => Assert.InRange(port.RxPackets, 100ul, 150ul));
        s.Stop();
    }

    [Theory]
    [InlineData("")]
    [InlineData("no-such-device-at-all")]
    [InlineData("nosuchdev0")]
    public void A_device_that_is_not_there_is_one_clear_line(string device)
    {
        IOException e = Assert.Throws<IOException>(() => new PacketSocketPort(1, device));
        Assert.Equal($"{device}: no such network device", e.Message);
    }
}
