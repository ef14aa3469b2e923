using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What becomes of rules in the kernel when others have to do with the devices that they are on.</summary>
public sealed class LiveKernelLifeTests
{
    private const string Rules = "in_port=1 actions=output:2\nin_port=2 actions=output:1";

    private static readonly byte[] s_frame = NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", NicFrame.Udp, NicFrame.UdpDatagram(5, 7, 77));

    [Fact]
    public void A_device_that_is_renamed_keeps_its_rules()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", []), b = lab.AddHost("b", []), other = lab.DeviceName("z");
        using LiveSwitch s = Switch(a, b);
        using LiveWire from = new(lab, "a"), to = new(lab, "b");
        IsForwarded(s, from, to);
        lab.Ip("link", "set", a, "down");
        lab.Ip("link", "set", a, "name", other);
        lab.Ip("link", "set", other, "up");
        Assert.Empty(s.Refresh());
        LiveLab.WaitFor(
            () =>
            {
                s.Refresh();
                return s[1] is not null && s.Ports.All.Single(static p => p.Number == 1).HasCarrier;
            },
            "the link");
        IsForwarded(s, from, to);
        s.Stop();
    }

    /// <summary>A filter of the older kind stands behind the switch's programs: it sees no frame.</summary>
    [Fact]
    public void A_filter_that_somebody_else_puts_on_the_device_sees_nothing()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", []), b = lab.AddHost("b", []);
        using LiveSwitch s = Switch(a, b);
        using LiveWire from = new(lab, "a"), to = new(lab, "b");
        using BpfProgram drop = Drops();
        using TcAttachment filter = new(drop, NetDevice.IndexOf(a), isEgress: false, usesFilter: true);
        Assert.True(filter.UsesFilter);
        IsForwarded(s, from, to);
        s.Stop();
    }

    /// <summary>A program in front of the switch's has the frames, and nothing else goes wrong; when it is gone the rules are used again.</summary>
    [Fact]
    public void A_program_that_somebody_else_puts_in_front_has_the_frames_for_as_long_as_it_is_there()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", []), b = lab.AddHost("b", []);
        using LiveSwitch s = Switch(a, b);
        using LiveWire from = new(lab, "a"), to = new(lab, "b");
        IsForwarded(s, from, to);
        using (BpfProgram drop = Drops())
        using (BpfLink link = new(drop, NetDevice.IndexOf(a), BpfAttachPoint.TcxIngress, BpfLink.TcxFirst))
        {
            ulong before = s[1].RxPackets;
            for (int i = 0; i < 20; i++) from.Send(s_frame);
            IsForwarded(s, to, from, port: 2);
            Assert.Equal(before, s[1].RxPackets);
        }

        IsForwarded(s, from, to);
        s.Stop();
    }

    private static BpfProgram Drops()
    {
        const int dropped = 2;
        BpfAssembler a = new();
        a.Mov(BpfRegister.R0, dropped);
        a.Exit();
        return BpfProgram.Load(BpfProgramType.SchedCls, a.Finish(), "others");
    }

    private static void IsForwarded(LiveSwitch s, LiveWire from, LiveWire to, uint port = 1)
    {
        ulong before = s[port].ByKernel.RxPackets;
        LiveLab.WaitFor(
            () =>
            {
                from.Send(s_frame);
                to.Receive(s_frame.Length);
                return s[port].ByKernel.RxPackets > before;
            },
            "a frame that the kernel forwards");
    }

    private static LiveSwitch Switch(params string[] devices)
    {
        LiveSwitch s = new(Rules, OffloadMode.Kernel);
        foreach (string device in devices) s.Ports.Add(new TcPort((uint)s.Ports.All.Count + 1, device), LiveSwitch.Now);
        return s;
    }
}
