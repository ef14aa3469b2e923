using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Tunnels of VLANs as the database wants them, on a switch without devices: the bytes of frames at the other end.</summary>
public sealed class Dot1qTunnelProcessTests : IDisposable
{
    private const string Macs = "505400000102505400000005", Rest = "08004500001c000000004001f8d60a0000020a0000010800f7ff00000000";

    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system");

    public Dot1qTunnelProcessTests()
    {
        _run.Server.Vsctl("set", "open", ".", "other_config:vlan-limit=2");
        _run.Start();
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy",
            "--", "add-port", "br0", "p1", "vlan_mode=dot1q-tunnel", "tag=10", "cvlans=20,30", "--", "set", "interface", "p1", "type=dummy", $"options:tx_pcap={_run.Folder["p1.pcap"]}",
            "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", $"options:tx_pcap={_run.Folder["p2.pcap"]}");
        Eventually.True(() => _run.Ask("dpif/show").Contains("p2", StringComparison.Ordinal), "the ports are there");
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_customers_frame_has_the_service_tag_on_its_way_and_loses_it_at_the_end()
    {
        Receive("p1", $"{Macs}81006014{Rest}");
        Assert.Equal([$"{Macs}88a8000a81006014{Rest}"], Frames("p2.pcap"));
        Receive("p1", $"{Macs}81006028{Rest}");
        Receive("p1", $"{Macs}{Rest}");
        Assert.Single(Frames("p2.pcap"));
        string back = $"505400000005505400000102{{0}}{Rest}";
        Receive("p2", string.Format(null, back, "88a8200a8100001e"));
        Receive("p2", string.Format(null, back, "88a8200a81000028"));
        Receive("p2", string.Format(null, back, "88a8200b8100001e"));
        Assert.Equal([string.Format(null, back, "8100001e")], Frames("p1.pcap"));
        Assert.DoesNotContain("not supported", _run.Log, StringComparison.Ordinal);

        // Another kind of service tag; and all customers' VLANs, none among them.
        _run.Server.VsctlWaiting("--", "set", "port", "p1", "other_config:qinq-ethtype=802.1q", "--", "clear", "port", "p1", "cvlans");
        Receive("p1", $"{Macs}{Rest}");
        Receive("p1", $"{Macs}81006028{Rest}");
        Assert.Equal([$"{Macs}8100000a{Rest}", $"{Macs}8100000a81006028{Rest}"], Frames("p2.pcap")[1..]);
    }

    [Fact]
    public void A_port_may_keep_priorities_where_frames_go_out_without_a_VLAN()
    {
        _run.Server.VsctlWaiting("--", "set", "port", "p1", "vlan_mode=access", "tag=10", "other_config:priority-tags=if-nonzero", "--", "clear", "port", "p1", "cvlans");
        Receive("p2", $"{Macs}8100a00a{Rest}");
        Receive("p2", $"{Macs}8100000a{Rest}");

        // An access port has no tag that it could keep: Open vSwitch sends none either.
        _run.Server.VsctlWaiting("--", "set", "port", "p1", "other_config:priority-tags=always");
        Receive("p2", $"{Macs}8100000a{Rest}");
        Assert.Equal([$"{Macs}8100a000{Rest}", $"{Macs}{Rest}", $"{Macs}{Rest}"], Frames("p1.pcap"));
    }

    private void Receive(string port, string frame) => Assert.Equal("", _run.Ask("netdev-dummy/receive", port, frame));

    private string[] Frames(string file)
    {
        List<string> frames = [];
        using CaptureReader reader = CaptureFile.Open(_run.Folder[file]);
        while (reader.TryRead(out CaptureFrame frame)) frames.Add(Convert.ToHexStringLower(frame.Bytes));
        return [.. frames];
    }
}
