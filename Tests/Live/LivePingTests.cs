using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Hosts in network namespaces reach each other through a switch on packet sockets and TAPs.</summary>
public sealed class LivePingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Two_hosts_ping_each_other_through_a_learning_switch_that_sleeps(int pmds)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.77.0.1/24", "fd77::1/64"]), b = lab.AddHost("b", ["10.77.0.2/24", "fd77::2/64"]);
        using LiveSwitch s = new LiveSwitch(pmds: pmds).With(a, b);
        lab.Must("a", "ping", "-c", "5", "-i", "0.05", "-W", "5", "10.77.0.2");
        lab.Must("b", "ping", "-6", "-c", "5", "-i", "0.05", "-W", "5", "fd77::1");
        Assert.True(s.Sleeps > 0);
        Assert.Equal((0ul, 0ul), (s[1].RxDropped + s[1].TxDropped, s[2].RxDropped + s[2].TxDropped));
        Assert.True(s[1].RxPackets >= 10 && s[2].TxPackets >= 10);
        s.Stop();
    }

    [Fact]
    public void A_host_pings_the_address_of_an_internal_port()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.77.1.1/24"]), tap = lab.DeviceName("br");
        using LiveSwitch s = new LiveSwitch().With(a);
        s.Add(TapPort.Open(2, tap, isInternal: true));
        lab.Ip("addr", "add", "10.77.1.2/24", "dev", tap);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.77.1.2");
        Assert.Equal("internal", s.Ports.All[1].Type);
        Assert.True(s[2].RxPackets >= 3 && s[2].TxPackets >= 3);
        s.Stop();
        s.Dispose();

        // A process that is being started beside this one has the descriptor until it runs its program.
        LiveLab.WaitFor(() => NetDevice.IndexOf(tap) == 0, "the end of the device");
    }
}
