using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Flushes by tuples of which parts are missing: what upstream's test "conntrack - ct flush" does by traffic.</summary>
public sealed class ConnectionFlushTests : IDisposable
{
    private const string Flows = "in_port=1,udp,actions=ct(commit)\nin_port=2,udp,actions=ct(zone=5,commit)\nicmp,actions=ct(zone=5,commit)";
    private const string A = "10.1.1.1", B = "10.1.1.2";

    private readonly Simulator _simulator = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], BatchSize = 1, PacketCapacity = 64 }, new NoSink());

    public ConnectionFlushTests()
    {
        _simulator.ApplyFlowMods(new FlowTextParser().ParseFlows(Flows));
        _simulator.Receive(1, Frames.Udp(A, 1, B, 2), 0);
        _simulator.Receive(2, Frames.Udp(B, 2, A, 1), 1);
        _simulator.ProcessPending();
        Assert.Equal(2, _simulator.Datapath.Conntrack.Count);
    }

    [Theory]
    [InlineData(null, "ct_nw_src=10.1.1.2,ct_nw_dst=10.1.1.1,ct_nw_proto=17,ct_tp_src=2,ct_tp_dst=1", "", "5")]
    [InlineData("5", "ct_nw_src=10.1.1.1,ct_nw_dst=10.1.1.2,ct_nw_proto=17,ct_tp_src=1,ct_tp_dst=2", "", "0")]
    [InlineData(null, "ct_nw_proto=17,ct_tp_src=1", "", "5")]
    [InlineData(null, "ct_nw_proto=17,ct_tp_dst=1", "", "0")]
    [InlineData(null, "ct_nw_src=10.1.1.1", "", "5")]
    [InlineData(null, "", "ct_nw_src=10.1.1.2", "5")]
    [InlineData("5", "", "ct_nw_src=10.1.1.1", "0")]
    [InlineData("5", "", "", "0")]
    [InlineData(null, "ct_nw_proto=1", "", "0 5")]
    [InlineData(null, "", "", "")]
    public void Connections_that_fit_go_and_others_stay(string? zone, string original, string reply, string zonesLeft)
    {
        byte protocol = 0;
        bool? isIpv6 = null;
        Assert.Null(CtTupleText.Read(original, ref protocol, ref isIpv6, out OfCtTuple forward));
        Assert.Null(CtTupleText.Read(reply, ref protocol, ref isIpv6, out OfCtTuple back));
        OfCtFlush which = new() { Zone = zone is null ? null : ushort.Parse(zone, System.Globalization.CultureInfo.InvariantCulture), Protocol = protocol, Original = forward, Reply = back };
        ConnectionFlush.Run(_simulator.Datapath, which, 2);
        Assert.Equal(zonesLeft, string.Join(' ', _simulator.Datapath.DumpConnections(2).Select(static c => c.Zone).Order()));
    }

    [Theory]
    [InlineData("ct_nw_src", "field ct_nw_src missing value")]
    [InlineData("ct_nw_src=fd00::1", "failed to parse field ct_nw_src")]
    [InlineData("ct_nw_src=10.1.1.1,ct_ipv6_dst=fd00::1", "the L3 protocol does not match fd00::1")]
    [InlineData("ct_tp_src=1", "port is set without protocol")]
    [InlineData("icmp_id=1", "invalid L4 fields")]
    [InlineData("ct_nw_proto=17,ct_tp_src=65536", "failed to parse field ct_tp_src")]
    [InlineData("nw_src=10.1.1.1", "invalid conntrack tuple field: nw_src")]
    public void What_is_no_tuple_is_said(string text, string wrong)
    {
        byte protocol = 0;
        bool? isIpv6 = null;
        Assert.Equal(wrong, CtTupleText.Read(text, ref protocol, ref isIpv6, out _));
    }

    private sealed class NoSink : IOutputSink
    {
        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
        }
    }

    public void Dispose() => _simulator.Dispose();
}
