using System.Globalization;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Multicast snooping as the database asks for it, on a switch without devices: what <c>mdb/*</c> shows, and where frames go.</summary>
public sealed class MulticastProcessTests : IDisposable
{
    private const string Group = "239.1.2.3";

    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system");

    public MulticastProcessTests()
    {
        _run.Start();
        List<string> make = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "mcast_snooping_enable=true"];
        for (int i = 1; i <= 4; i++) make.AddRange(["--", "add-port", "br0", $"p{i}", "--", "set", "interface", $"p{i}", "type=dummy", $"ofport_request={i}", $"options:tx_pcap={_run.Folder[$"p{i}.pcap"]}"]);
        _run.Server.Vsctl([.. make]);
        Eventually.True(() => _run.Ask("dpif/show").Contains("p4", StringComparison.Ordinal), "the ports are there");
        _run.Ask("time/stop");
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Frames_follow_the_groups_that_ports_join_and_leave()
    {
        byte[] packet = MulticastFrames.Udp(Group);
        Receive(1, packet);
        Assert.Equal((1, 1, 1), (Frames(2), Frames(3), Frames(4)));
        Receive(3, MulticastFrames.Igmp(0x16, Group));
        Eventually.True(() => _run.Ask("mdb/show", "br0") == " port  VLAN  GROUP                Age\n    3     0  239.1.2.3           0\n", "the group");

        // The megaflow that flooded the group has looked again; the report has gone nowhere, as there is no router.
        Receive(1, packet);
        Assert.Equal((1, 2, 1), (Frames(2), Frames(3), Frames(4)));
        Receive(4, MulticastFrames.Mld(130, "::"));
        Receive(2, MulticastFrames.MldV2((4, "ff05::10", 0)));
        Assert.Equal((2, 3, 2), (Frames(2), Frames(3), Frames(4)));
        Eventually.True(() => _run.Ask("mdb/show", "br0") == " port  VLAN  GROUP                Age\n    3     0  239.1.2.3           0\n    2     0  ff05::10           0\n    4     0  querier               0\n", "the groups and the router");
        Receive(1, packet);
        Assert.Equal((2, 4, 3), (Frames(2), Frames(3), Frames(4)));
        Assert.Contains("slow_path(action)", _run.Ask("dpctl/dump-flows"), StringComparison.Ordinal);
        Receive(3, MulticastFrames.Igmp(0x17, Group));
        Eventually.True(() => !_run.Ask("mdb/show", "br0").Contains("239.1.2.3", StringComparison.Ordinal), "a group without members");
        Receive(1, packet);
        Assert.Equal((2, 4, 5), (Frames(2), Frames(3), Frames(4)));
        Assert.Equal("table successfully flushed\n", _run.Ask("mdb/flush"));
        Assert.Equal(" port  VLAN  GROUP                Age\n", _run.Ask("mdb/show", "br0"));
        Receive(1, packet);
        Assert.Equal((3, 5, 6), (Frames(2), Frames(3), Frames(4)));
    }

    [Fact]
    public void Groups_age_by_the_time_of_the_database_and_the_switch_says_how_old_they_are()
    {
        _run.Server.VsctlWaiting("--", "set", "bridge", "br0", "other_config:mcast-snooping-aging-time=60", "other_config:mcast-snooping-disable-flood-unregistered=true", "other_config:mcast-snooping-table-size=10",
            "--", "set", "port", "p4", "other_config:mcast-snooping-flood=true", "other_config:mcast-snooping-flood-reports=true");
        Receive(3, MulticastFrames.Igmp(0x16, Group));
        Assert.Equal(1, Frames(4));
        Eventually.True(() => _run.Ask("mdb/show", "br0").Contains("239.1.2.3", StringComparison.Ordinal), "the group");
        _run.Ask("time/warp", "50000");
        Assert.Equal(50, int.Parse(_run.Ask("mdb/show", "br0").TrimEnd().Split(' ')[^1], CultureInfo.InvariantCulture));
        Receive(1, MulticastFrames.Udp(Group));
        Assert.Equal((0, 1, 2), (Frames(2), Frames(3), Frames(4)));
        _run.Ask("time/warp", "15000");
        Assert.Equal(" port  VLAN  GROUP                Age\n", _run.Ask("mdb/show", "br0"));
        Receive(1, MulticastFrames.Udp(Group));
        Assert.Equal((0, 1, 3), (Frames(2), Frames(3), Frames(4)));
        for (int i = 0; i < 20; i++) Receive(3, MulticastFrames.Igmp(0x16, $"239.0.0.{i}"));
        Eventually.True(() => _run.Ask("mdb/show", "br0").Contains("239.0.0.19", StringComparison.Ordinal), "the last group");
        Assert.Equal(1 + 10, _run.Ask("mdb/show", "br0").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    /// <summary>Snooping is behind packet threads, and the order that brings a frame waits for both: the next frame goes by what this one said.</summary>
    [Fact]
    public void What_a_report_changes_is_changed_when_the_order_that_brings_it_is_answered()
    {
        for (int i = 0; i < 100; i++)
        {
            string group = $"239.0.1.{i}";
            Receive(3, MulticastFrames.Igmp(0x16, group));
            Assert.Contains($"    3     0  {group} ", _run.Ask("mdb/show", "br0"), StringComparison.Ordinal);
        }

        int[] before = [Frames(2), Frames(3), Frames(4)];
        for (int i = 0; i < 20; i++) Receive(1, MulticastFrames.Udp($"239.0.1.{i}"));
        Assert.Equal((before[0], before[1] + 20, before[2]), (Frames(2), Frames(3), Frames(4)));
    }

    [Fact]
    public void A_trace_tells_where_multicast_goes_and_why()
    {
        Receive(3, MulticastFrames.Igmp(0x16, Group));
        Receive(4, MulticastFrames.Igmp(0x11, "0.0.0.0"));
        Eventually.True(() => _run.Ask("mdb/show", "br0").Contains("239.1.2.3", StringComparison.Ordinal) && _run.Ask("mdb/show", "br0").Contains("querier", StringComparison.Ordinal), "the group and the router");
        string told = _run.Ask("ofproto/trace", "br0", "in_port=1,udp,dl_dst=01:00:5e:01:02:03,nw_dst=239.1.2.3");
        Assert.Contains(" -> forwarding to mcast group port\n     -> forwarding to mcast router port\n", told, StringComparison.Ordinal);
        Assert.Contains("Datapath actions: 3,4", told, StringComparison.Ordinal);
        told = _run.Ask("ofproto/trace", "br0", "in_port=1", Convert.ToHexString(MulticastFrames.Igmp(0x16, Group)));
        Assert.EndsWith("Datapath actions: 4\nThis flow is handled by the userspace slow path because it:\n  - Uses action(s) not supported by datapath.\n", told, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bridge_that_does_not_snoop_says_so()
    {
        _run.Server.VsctlWaiting("--", "set", "bridge", "br0", "mcast_snooping_enable=false");
        Assert.Equal("multicast snooping is disabled\n", _run.Refused("mdb/show", "br0"));
        Assert.Equal("multicast snooping is disabled\n", _run.Refused("mdb/flush", "br0"));
        Assert.Equal("no such bridge\n", _run.Refused("mdb/show", "br9"));
        Assert.Equal("table successfully flushed\n", _run.Ask("mdb/flush"));
        Receive(3, MulticastFrames.Igmp(0x16, Group));
        Receive(1, MulticastFrames.Udp(Group));
        Assert.Equal((2, 1, 2), (Frames(2), Frames(3), Frames(4)));
        Assert.Equal("{}", _run.Server.Vsctl("get", "bridge", "br0", "status"));
    }

    private void Receive(int port, byte[] frame) => Assert.Equal("", _run.Ask("netdev-dummy/receive", $"p{port}", Convert.ToHexString(frame)));

    private int Frames(int port) => _run.Frames($"p{port}.pcap");
}
