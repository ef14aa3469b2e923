using System.Text.Json;
using Mergeflow.Cli;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Somebody else's XDP program is on a device, and passes frames: the switch says so, goes another way where it may, and never takes the program off.</summary>
public sealed class ForeignXdpTests
{
    [Theory]
    [InlineData(BpfLink.XdpNative, false)]
    [InlineData(BpfLink.XdpGeneric, false)]
    [InlineData(BpfLink.XdpNative, true)]
    public void A_foreign_program_stays_and_hardware_goes_by_packet_sockets(uint mode, bool isLink)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.103.0.1/24"]), b = lab.AddHost("b", ["10.103.0.2/24"]);
        lab.SwitchOffloadsOff("a", "b");
        using ForeignXdp foreign = new(a, mode, isLink);
        int id = ProgramOf(lab, a);
        Assert.NotEqual(0, id);
        string refusal = $"{a}: another XDP program is on it, and stays there (see bpftool net)";
        Assert.Equal(refusal, Assert.Throws<IOException>(() => SystemPort.Open(1, a, "xdp")).Message);
        Assert.DoesNotContain("PROMISC", lab.Here("ip", "link", "show", a), StringComparison.Ordinal);
        using (LiveSwitch s = new())
        {
            s.Add(SystemPort.Open(1, a, null, 1, isHardware: true));
            s.Add(SystemPort.Open(2, b, null, 1, isHardware: true));
            Assert.Equal(("packet", $"xdp: {refusal}"), (s.Ports.All[0].Datapath, s.Ports.All[0].InsteadOf));
            Assert.Equal(("xdp", (string?)null), (s.Ports.All[1].Datapath, s.Ports.All[1].InsteadOf));
            lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.103.0.2");
            Assert.Equal(id, ProgramOf(lab, a));
            s.Stop();
        }

        Assert.Equal(id, ProgramOf(lab, a));
    }

    /// <summary>tc stands behind XDP: what the program passes comes to the switch.</summary>
    [Fact]
    public void A_veth_goes_by_tc_behind_a_foreign_program()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.103.1.1/24"]), b = lab.AddHost("b", ["10.103.1.2/24"]);
        using ForeignXdp foreign = new(a, BpfLink.XdpNative, isLink: false);
        int id = ProgramOf(lab, a);
        using (SwitchRun s = new("--port", $"{a}=1", "--port", $"{b}=2"))
        {
            Assert.Matches($"port 1: {a} \\(system, tc\\)", s.Must("ports"));
            lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.103.1.2");
        }

        Assert.Equal(id, ProgramOf(lab, a));
    }

    [Fact]
    public void A_switch_that_is_to_use_XDP_there_does_not_start_and_says_why_in_a_line()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.103.2.1/24"]);
        using ForeignXdp foreign = new(a, BpfLink.XdpNative, isLink: false);
        using SwitchRun s = new("--port", $"{a}=1,datapath=xdp");
        Assert.NotEqual(ExitCode.Ok, s.End());
        Assert.Contains($"{a}: another XDP program is on it, and stays there (see bpftool net)\n", s.Said, StringComparison.Ordinal);
    }

    /// <summary>The other way round: who comes later is refused by the kernel, and the port carries on.</summary>
    [Fact]
    public void A_program_that_comes_later_does_not_take_the_place_of_the_switchs()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.103.3.1/24"]), b = lab.AddHost("b", ["10.103.3.2/24"]);
        lab.SwitchOffloadsOff("a", "b");
        using LiveSwitch s = new();
        s.Add(new XdpPort(1, a));
        s.Add(new XdpPort(2, b));
        int id = ProgramOf(lab, a);
        foreach (uint mode in new[] { BpfLink.XdpNative, BpfLink.XdpGeneric }) Assert.Throws<IOException>(() => new ForeignXdp(a, mode, isLink: false));
        Assert.Equal(id, ProgramOf(lab, a));
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.103.3.2");
        s.Stop();
    }

    /// <summary>Number of the XDP program on a device; 0 = none.</summary>
    private static int ProgramOf(LiveLab lab, string device)
    {
        using JsonDocument links = JsonDocument.Parse(lab.Here("ip", "-j", "link", "show", "dev", device));
        return links.RootElement[0].TryGetProperty("xdp", out JsonElement xdp) ? xdp.GetProperty("prog").GetProperty("id").GetInt32() : 0;
    }
}
