using Xunit;

namespace Mergeflow.Tests;

/// <summary>Room is an option; what finds none is refused, counted, and forwarded or dropped as if there were no table at all.</summary>
public sealed class RoomTests
{
    private const int Flows = 40;

    private const string Tables =
        """
        table=0,udp actions=ct(table=1,zone=5)
        table=1,priority=9,ct_state=+trk+new,udp,in_port=1 actions=ct(commit,zone=5),output:2
        table=1,priority=8,ct_state=+trk+est,udp,in_port=1 actions=output:2
        table=1,priority=8,ct_state=+trk+est,udp,in_port=2 actions=output:1
        """;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Connections_that_find_no_room_are_refused_and_counted(int pmds)
    {
        (Simulator simulator, int sent) = Run(new SimulatorOptions { Ports = s_ports, PmdCount = pmds, ConnectionCapacity = 256, PacketCapacity = 64, RssSeed = 3 }, flows: 400);
        using Simulator s = simulator;
        ulong refused = s.Datapath.Conntrack.RefusedByFullTable;
        Assert.InRange(s.Datapath.Conntrack.Count, 1, 256);
        Assert.True(refused >= 400 - 256, $"{refused} refused");
        Assert.Equal(refused, s.Datapath.Conntrack.RefusedConnections);

        // What is not tracked is new each time, as is its answer, which is dropped.
        Assert.InRange(sent, 1, 4 * 400);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Megaflows_that_find_no_room_are_not_installed_and_counted(int pmds)
    {
        (Simulator simulator, int sent) = Run(new SimulatorOptions { Ports = s_ports, PmdCount = pmds, MegaflowCapacity = 2, PacketCapacity = 64, RssSeed = 3 }, Flows);
        using Simulator s = simulator;
        Assert.InRange(s.Datapath.MegaflowCount, 1, 2 * pmds);
        Assert.True(s.Datapath.Stats.UpcallsUninstalled > 0);
        Assert.Equal(4 * Flows, sent);
    }

    [Theory]
    [InlineData(OffloadMode.Soft, 1)]
    [InlineData(OffloadMode.Soft, 2)]
    [InlineData(OffloadMode.Nic, 1)]
    [InlineData(OffloadMode.Nic, 2)]
    public void Merged_rules_that_find_no_room_are_refused_by_name_and_their_packets_are_forwarded(OffloadMode offload, int pmds)
    {
        (Simulator simulator, int sent) = Run(new SimulatorOptions { Ports = s_ports, PmdCount = pmds, Offload = offload, NicProfile = offload == OffloadMode.Nic ? "tiny" : null, MergedCapacity = 4, PacketCapacity = 64, RssSeed = 3, TcpSeqChk = false }, Flows);
        using Simulator s = simulator;
        s.Settle();
        Assert.True(s.Datapath.Offload!.Stats.Installed > 0, "nothing was installed");
        Assert.True(s.Datapath.Offload.Report.RefusedTotals().Packets(OffloadReason.TableFull) > 0, "nobody was refused");
        Assert.Equal(4 * Flows, sent);
        Assert.True(s.Audit(pushed: true).IsBalanced);
    }

    private static readonly (string Name, uint Number)[] s_ports = [("p1", 1), ("p2", 2)];

    /// <summary>Each flow forth, back, forth and forth again.</summary>
    private static (Simulator Simulator, int Sent) Run(SimulatorOptions options, int flows)
    {
        var sink = new Sink();
        var simulator = new Simulator(options, sink);
        simulator.ApplyFlowMods(new FlowTextParser().ParseFlows(Tables));
        foreach (bool forth in (bool[])[true, false, true, true])
        {
            for (int i = 0; i < flows; i++)
            {
                ushort port = (ushort)(1000 + i);
                simulator.Receive(forth ? 1u : 2u, forth ? NicFrame.UdpIpv4(port, 53, "10.0.0.1", "10.0.0.2") : NicFrame.UdpIpv4(53, port, "10.0.0.2", "10.0.0.1"), 0);
            }

            simulator.ProcessPending();
        }

        return (simulator, sink.Count);
    }

    private sealed class Sink : IOutputSink
    {
        public int Count { get; private set; }

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => Count++;
    }
}
