using Mergeflow.Control.Bridges;
using Mergeflow.Control.Tracing;
using Mergeflow.Engine.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What BFD says of a port is what the bridge says of it, and a trace names the messages.</summary>
public sealed class PortLivenessTests : IDisposable
{
    private readonly Datapath _datapath = new(new DatapathOptions { Ports = [("p1", 1), ("p2", 2)], VlanLimit = 1, Quirks = Quirks.Ovs31Exact }, sink: null);

    public void Dispose() => _datapath.Dispose();

    [Fact]
    public void A_port_whose_session_is_down_may_not_be_used_until_it_comes_up_or_goes()
    {
        PortLiveness liveness = new(_datapath.Pipeline, new BridgeForwarding(_datapath.Main, static (_, _) => { }));
        Assert.False(liveness.Update());
        _datapath.Ports.SetBfdLive(2, isLive: false, 0);
        Assert.True(liveness.MayUse(2));
        Assert.True(liveness.Update());
        Assert.Equal((true, false), (liveness.MayUse(1), liveness.MayUse(2)));
        Assert.False(liveness.Update());
        _datapath.Ports.SetBfdLive(1, isLive: false, 0);
        _datapath.Ports.SetBfdLive(2, isLive: true, 0);
        Assert.True(liveness.Update());
        Assert.Equal((false, true), (liveness.MayUse(1), liveness.MayUse(2)));
        _datapath.Ports.SetBfd(1, new BfdMatch(default, 0, IsKeyZero: false), 0);
        _datapath.Ports.SetBfd(1, null, 0);
        Assert.True(liveness.Update());
        Assert.True(liveness.MayUse(1));
    }

    [Theory]
    [InlineData(1, 3784, true)]
    [InlineData(1, 3785, false)]
    [InlineData(2, 3784, false)]
    public void A_trace_says_that_messages_of_a_session_are_treated_one_by_one(uint port, int destination, bool isBfd)
    {
        _datapath.Ports.SetBfd(1, new BfdMatch(default, 0, IsKeyZero: false), 0);
        TraceBridge bridge = new("br0", _datapath.Main, "dummy@ovs-dummy", [new TracePort("p1", 1, 1), new TracePort("p2", 2, 2)]);
        string answer = OfprotoTrace.Write([bridge], ["br0", $"in_port={port},udp,udp_dst={destination}"], 0);
        Assert.Equal(isBfd, answer.Contains("\nThis flow is handled by the userspace slow path because it:\n  - Consists of BFD packets.", StringComparison.Ordinal));
        Assert.DoesNotContain("not supported", answer, StringComparison.Ordinal);
    }
}
