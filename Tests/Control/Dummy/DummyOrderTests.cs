using Xunit;

namespace Mergeflow.Tests;

/// <summary>Orders to a switch without devices, and what its log says of them, as Open vSwitch's own tests look for it.</summary>
public sealed class DummyOrderTests : IDisposable
{
    private readonly VswitchdRun _run = new("--enable-dummy", "--disable-system");

    public DummyOrderTests()
    {
        _run.Start();
        _run.Server.Vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "other-config:hwaddr=aa:55:aa:55:00:00",
            "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "ofport_request=1", "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", "ofport_request=2");
        Eventually.True(() => _run.Ask("dpif/show").Contains("p2 2/2", StringComparison.Ordinal), "the ports are there");
    }

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_port_gets_another_number_in_the_datapath()
    {
        Assert.EndsWith("Datapath actions: 1,2\n", Trace("in_port=LOCAL,dl_src=10:20:30:40:50:60"), StringComparison.Ordinal);
        Assert.Equal("", _run.Ask("dpif-dummy/change-port-number", "ovs-dummy", "p1", "5"));
        Assert.Contains("p1 1/5: (dummy)", _run.Ask("dpif/show"), StringComparison.Ordinal);
        Assert.EndsWith("Datapath actions: 5,2\n", Trace("in_port=LOCAL,dl_src=10:20:30:40:50:60"), StringComparison.Ordinal);
        Assert.Equal("port number already in use\n", _run.Refused("dpif-dummy/change-port-number", "ovs-dummy", "p1", "2"));
        Assert.Equal("bad port number\n", _run.Refused("dpif-dummy/change-port-number", "ovs-dummy", "p1", "0"));
        Assert.Equal("unknown port\n", _run.Refused("dpif-dummy/change-port-number", "ovs-dummy", "p9", "7"));
        Assert.Equal("unknown datapath or not a dummy\n", _run.Refused("dpif-dummy/change-port-number", "ovs-netdev", "p1", "7"));
    }

    [Fact]
    public void The_port_of_OpenFlow_11_has_32_bits()
    {
        _run.SetFlows("br0", "in_port=LOCAL,ip,actions=push:OXM_OF_IN_PORT[],pop:OXM_OF_IPV4_SRC[],1\nin_port=1,ip,actions=push:OXM_OF_IN_PORT[0..15],pop:NXM_OF_IP_SRC[0..15],2\nin_port=2,ip,actions=push:NXM_NX_REG0[],move:OXM_OF_IN_PORT[0..31]->NXM_NX_REG1[],resubmit(LOCAL,)\n");
        Assert.EndsWith("Datapath actions: set(ipv4(src=255.255.255.254)),1\n", Trace("in_port=LOCAL,udp,nw_src=1.2.3.4"), StringComparison.Ordinal);
        Assert.EndsWith("Datapath actions: set(ipv4(src=0.0.0.1/0.0.255.255)),2\n", Trace("in_port=1,udp,nw_src=1.2.3.4"), StringComparison.Ordinal);

        // What was pushed comes back as the same port.
        _run.SetFlows("br0", "table=0,in_port=LOCAL,ip,actions=push:OXM_OF_IN_PORT[],set_field:1->in_port,pop:OXM_OF_IN_PORT[],resubmit(,1)\ntable=1,in_port=LOCAL,ip,actions=2\n");
        Assert.EndsWith("Datapath actions: 2\n", Trace("in_port=LOCAL,ip"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_thread_that_watches_links_is_there_while_there_are_sessions()
    {
        for (int round = 1; round <= 2; round++)
        {
            int times = round;
            _run.Server.Vsctl("set", "interface", "p1", "bfd:enable=true", "--", "set", "interface", "p2", "bfd:enable=true");
            Eventually.True(() => Lines("|ofproto_dpif_monitor|INFO|monitor thread created") == times, "it begins");
            _run.Server.Vsctl("set", "interface", "p1", "bfd:enable=false");
            Eventually.True(() => !_run.Ask("bfd/show").Contains("p1", StringComparison.Ordinal), "one session has gone");
            Assert.Equal(times - 1, Lines("|ofproto_dpif_monitor|INFO|monitor thread terminated"));
            _run.Server.Vsctl("set", "interface", "p2", "bfd:enable=false");
            Eventually.True(() => Lines("|ofproto_dpif_monitor|INFO|monitor thread terminated") == times, "it ends");
        }
    }

    [Fact]
    public void A_controller_outside_the_run_folder_is_an_error()
    {
        _run.Server.Vsctl("set-controller", "br0", $"punix:{_run.Folder["br0.x"]}/../overwritten");
        Eventually.True(() => Lines("|bridge|ERR|bridge br0: Not adding Unix domain socket controller") > 0, "the log says so");
    }

    private string Trace(string flow) => _run.Ask("ofproto/trace", "br0", flow);

    private int Lines(string text) => _run.Log.Split('\n').Count(l => l.Contains(text, StringComparison.Ordinal));
}
