using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Which way a device is opened by: its kind decides, what is refused is said, and packet sockets are there in the end.</summary>
public sealed class SystemPortTests
{
    [Theory]
    [InlineData(false, 1500, "tc", null)]
    [InlineData(true, 1500, "xdp", null)]
    [InlineData(true, 9000, "packet", "AF_XDP takes an MTU of 3822 at most, not 9000")]
    public void The_kind_of_device_decides(bool isHardware, int mtuBytes, string expected, string? refused)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.86.0.1/24"], mtuBytes), b = lab.AddHost("b", ["10.86.0.2/24"], mtuBytes);
        lab.SwitchOffloadsOff("a", "b");
        using LiveSwitch s = new();
        s.Add(SystemPort.Open(1, a, null, 1, isHardware));
        s.Add(SystemPort.Open(2, b, null, 1, isHardware));
        Assert.All(s.Ports.All, p => Assert.Equal(expected, p.Datapath));
        if (refused is null) Assert.All(s.Ports.All, static p => Assert.Null(p.InsteadOf));
        else Assert.All(s.Ports.All, p => Assert.EndsWith(refused, p.InsteadOf, StringComparison.Ordinal));
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.86.0.2");
        s.Stop();
    }

    /// <summary>A queue of the device has somebody else's socket.</summary>
    [Fact]
    public void Hardware_whose_driver_refuses_is_opened_by_packet_sockets_and_the_reason_is_said()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.86.1.1/24"]);
        using XdpPort other = new(9, a);
        using LivePort port = SystemPort.Open(1, a, null, 1, isHardware: true);
        Assert.Equal("packet", port.Datapath);
        Assert.StartsWith($"xdp: {a}: ", port.InsteadOf, StringComparison.Ordinal);
    }

    [Fact]
    public void A_veth_is_no_hardware_and_one_that_is_not_there_is_none_either()
    {
        using LiveLab lab = new();
        Assert.False(SystemPort.IsHardware(lab.AddHost("a", ["10.86.2.1/24"])));
        Assert.False(SystemPort.IsHardware("no-such-device"));
    }

    /// <summary>A device that takes tags out of frames does so no longer while they are needed.</summary>
    [Fact]
    public void Tags_stay_in_frames_and_what_was_on_is_on_again()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.86.3.1/24"]);
        Assert.Contains("rx-vlan-offload: on", Features(lab, a), StringComparison.Ordinal);
        using (new WholeFrames(a)) Assert.Contains("rx-vlan-offload: off", Features(lab, a), StringComparison.Ordinal);
        Assert.Contains("rx-vlan-offload: on", Features(lab, a), StringComparison.Ordinal);
    }

    private static string Features(LiveLab lab, string device)
    {
        Assert.SkipUnless(File.Exists("/usr/sbin/ethtool") || File.Exists("/sbin/ethtool"), "ethtool is not installed");
        return lab.Here("ethtool", "-k", device);
    }
}
