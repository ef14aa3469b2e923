using System.Buffers.Binary;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Tags, frame lengths and what is no proper frame, on packet sockets.</summary>
public sealed class LiveFrameTests
{
    private static readonly byte[] s_broadcast = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

    [Theory]
    [InlineData(0x8100)]
    [InlineData(0x88a8)]
    public void A_tag_that_the_kernel_takes_out_of_a_frame_comes_out_as_it_was(int tpid)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", []), b = lab.AddHost("b", []);
        using LiveSwitch s = new LiveSwitch().With(a, b);
        byte[] frame = Frame(100, tpid, tci: 0xb07b);
        using LiveWire from = new(lab, "a"), to = new(lab, "b");
        from.Send(frame);
        Assert.Equal(Convert.ToHexString(frame), Convert.ToHexString(to.Receive(frame.Length)));
        s.Stop();
    }

    [Fact]
    public void Hosts_on_a_VLAN_reach_each_other_and_rules_see_the_tag()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", []), b = lab.AddHost("b", ["10.81.0.2/24"]);
        if (lab.On("a", "ip", "link", "add", "link", "eth0", "name", "vlan7", "type", "vlan", "id", "7").Code != 0) Assert.Skip("the kernel has no VLAN devices");
        lab.Must("a", "ip", "addr", "add", "10.81.0.1/24", "dev", "vlan7");
        lab.Must("a", "ip", "link", "set", "vlan7", "up");

        // b is an access port.
        using LiveSwitch s = new LiveSwitch("in_port=1,dl_vlan=7 actions=strip_vlan,output:2\nin_port=2,vlan_tci=0 actions=mod_vlan_vid:7,output:1").With(a, b);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.81.0.2");
        LiveStream.Send(lab, "a", "b", "10.81.0.2");
        LiveStream.Send(lab, "b", "a", "10.81.0.1");
        s.Stop();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Streams_pass_a_trunk_with_a_tag_that_the_switch_has_put_on(bool offloads)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.81.0.1/24"]), b = lab.AddHost("b", ["10.81.0.2/24"]), left = lab.DeviceName("l"), right = lab.DeviceName("r");
        lab.Ip("link", "add", left, "type", "veth", "peer", "name", right);
        lab.Ip("link", "set", left, "up");
        lab.Ip("link", "set", right, "up");
        if (!offloads) lab.SwitchOffloadsOff("a", "b");
        const string rules =
            """
            in_port=1 actions=mod_vlan_vid:7,output:2
            in_port=2,dl_vlan=7 actions=strip_vlan,output:1
            in_port=3,dl_vlan=7 actions=strip_vlan,output:4
            in_port=4 actions=mod_vlan_vid:7,output:3
            """;
        using LiveSwitch s = new LiveSwitch(rules).With(a, left, right, b);
        lab.Must("a", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.81.0.2");
        LiveStream.Send(lab, "a", "b", "10.81.0.2");
        LiveStream.Send(lab, "b", "a", "10.81.0.1");
        Assert.Equal(offloads, s[3].RxSuperFrames > 100);
        Assert.All(s.Ports.All, static p => Assert.Equal(0ul, p.Statistics().TxDropped));
        s.Stop();
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(10_240)]
    public void Jumbo_frames_pass(int slotBytes)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.81.0.1/24"], mtuBytes: 9000), b = lab.AddHost("b", ["10.81.0.2/24"], mtuBytes: 9000);
        using LiveSwitch s = new LiveSwitch(frameBytes: slotBytes).With(a, b);
        lab.Must("a", "ping", "-M", "do", "-s", "8972", "-c", "3", "-i", "0.05", "-W", "5", "10.81.0.2");
        LiveStream.Send(lab, "a", "b", "10.81.0.2");
        lab.SwitchOffloadsOff("a", "b");
        LiveStream.Send(lab, "b", "a", "10.81.0.1");
        s.Stop();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_longer_than_the_port_is_lost_and_counted_there(bool offloads)
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", ["10.81.0.1/24"], mtuBytes: 1500), b = lab.AddHost("b", ["10.81.0.2/24"], mtuBytes: 1400);
        if (!offloads) lab.SwitchOffloadsOff("a", "b");
        using LiveSwitch s = new LiveSwitch().With(a, b);
        lab.Must("a", "ping", "-M", "do", "-s", "1372", "-c", "2", "-i", "0.05", "-W", "5", "10.81.0.2");
        Assert.Equal(0ul, s[2][PortDrop.TxTooLong]);
        Assert.NotEqual(0, lab.On("a", "ping", "-M", "do", "-s", "1373", "-c", "1", "-W", "1", "10.81.0.2").Code);
        LiveLab.WaitFor(() => s[2][PortDrop.TxTooLong] > 0, "the drop");
        Assert.Equal((1ul, 1ul), (s[2][PortDrop.TxTooLong], s[2].TxDropped));
        Assert.Equal(0ul, s[1].TxDropped);

        // The segments of b's MSS fit, super-frames of them as well.
        LiveStream.Send(lab, "a", "b", "10.81.0.2", megabytes: 4);
        Assert.Equal(1ul, s[2].TxDropped);
        Assert.Equal(offloads, s[2].TxSuperFrames > 10);
        s.Stop();
    }

    [Fact]
    public void What_a_device_does_not_take_has_a_cause()
    {
        using LiveLab lab = new();
        string a = lab.AddHost("a", []), b = lab.AddHost("b", []);
        using LiveSwitch s = new LiveSwitch("in_port=1 actions=output:2").With(a, b);
        using LiveWire from = new(lab, "a");

        // Nobody has told the switch yet. The host may send frames of its own too (IPv6): before that they still leave.
        lab.Ip("link", "set", b, "down");
        ulong before = s[1].RxPackets;
        from.Send(Frame(60, 0, 0));
        LiveLab.WaitFor(() => s[1].RxPackets > before, "the frame");
        LiveLab.WaitFor(() => s[2][PortDrop.TxDown] > 0, "the drop");
        Assert.Equal(s[2].TxDropped, s[2][PortDrop.TxDown]);
        s.Stop();
    }

    private static byte[] Frame(int bytes, int tpid, ushort tci)
    {
        byte[] frame = new byte[bytes];
        s_broadcast.CopyTo(frame, 0);
        frame[6] = 2;
        int type = 12;
        if (tpid != 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), (ushort)tpid);
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(14), tci);
            type = 16;
        }

        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(type), 0x9000);
        for (int i = type + 2; i < bytes; i++) frame[i] = (byte)i;
        return frame;
    }
}
