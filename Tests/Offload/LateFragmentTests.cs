using Xunit;

namespace Mergeflow.Tests;

/// <summary>Whether late fragments come out, and behind which packet, does not depend on what is offloaded (<see cref="Quirks.LateFragmentsFollow"/>).</summary>
public sealed class LateFragmentTests : IOutputSink
{
    private const string Flows = """
        table=0,priority=1,ip,ct_state=-trk,actions=ct(table=1,zone=1)
        table=1,priority=0,ip,actions=output:3
        table=1,priority=2,ip,ct_state=+trk+new,actions=ct(commit,zone=1),output:2
        table=1,priority=1,ip,ct_state=+trk+est,actions=output:2
        """;

    private readonly List<(long EventIndex, uint Port)> _sent = [];

    [Theory]
    [InlineData(OffloadMode.None)]
    [InlineData(OffloadMode.Soft)]
    [InlineData(OffloadMode.Nic)]
    public void Late_fragments_follow_an_offloaded_packet_too(OffloadMode offload)
    {
        using var simulator = new Simulator(
            new SimulatorOptions
            {
                Ports = [("p1", 1), ("p2", 2), ("p3", 3)],
                Offload = offload,
                TcpSeqChk = offload != OffloadMode.Nic,
                BatchSize = 1,
                Quirks = Quirks.Ovs31,
            },
            this);
        simulator.ApplyFlowMods(new FlowTextParser().ParseFlows(Flows));

        // A query and its answer per second: the megaflows and what is offloaded of them are never idle.
        const int fragmentAt = 3, lateAt = fragmentAt + 16;
        for (int second = 1; second <= lateAt + 1; second++)
        {
            simulator.AdvanceTo(second * 1000);
            if (second == lateAt) Assert.Equal(1, simulator.Datapath.Conntrack.HeldFragments);
            simulator.Receive(1, Frames.Udp("10.0.0.1", 1000, "10.0.0.2", 53), second);
            simulator.Receive(1, Frames.Udp("10.0.0.2", 53, "10.0.0.1", 1000), second);
            if (second == fragmentAt) simulator.Receive(1, FragmentTrain.Datagram(false, 2000, 1248)[0], second);
            simulator.ProcessPending();
        }

        ulong hits = simulator.Report().OffloadHits;
        Assert.Equal(offload != OffloadMode.None, hits >= 2 * (lateAt - fragmentAt - 2));
        for (int second = 1; second <= lateAt + 1; second++)
        {
            uint[] ports = [.. _sent.Where(s => s.EventIndex == second).Select(s => s.Port)];
            if (second != lateAt) Assert.Equal([2, 2], ports);
        }

        // A packet without a megaflow goes when it is translated, those that have one after it.
        (long EventIndex, uint Port)[] last = [.. _sent.SkipWhile(s => s.EventIndex < lateAt)];
        Assert.Equal([3u, 2u, 2u, 2u, 2u], last.Select(s => s.Port));
        Assert.Equal(0, simulator.Datapath.Conntrack.HeldFragments);
    }

    void IOutputSink.Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _sent.Add((eventIndex, port));
}
