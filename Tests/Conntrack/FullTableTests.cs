using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// More flows than the connection table has room for (<c>dpctl/ct-set-maxconns</c>): who comes too late passes as <c>+new</c> and is counted, and its
/// answers belong to no connection. Whoever came in time notices nothing.
/// </summary>
public sealed class FullTableTests
{
    private const int Capacity = 64, Flows = 200, Refused = Flows - Capacity;

    /// <summary>Port 1 is inside, 2 outside; 3 gets what is new from outside, 4 what is invalid.</summary>
    private const string Firewall =
        """
        table=0,priority=9,ip,ct_state=-trk,actions=ct(table=1,zone=1)
        table=1,priority=9,ip,ct_state=+trk+inv,actions=output:4
        table=1,priority=8,ip,in_port=1,ct_state=+trk+new,actions=ct(commit,zone=1,table=2)
        table=1,priority=8,ip,in_port=1,ct_state=+trk+est,actions=output:2
        table=1,priority=8,ip,in_port=2,ct_state=+trk+new,actions=output:3
        table=1,priority=8,ip,in_port=2,ct_state=+trk+est+rpl,actions=output:1
        table=2,priority=8,ip,ct_state=+trk+new-inv-est-rel,actions=output:2
        """;

    public static TheoryData<OffloadMode, bool> Cases => new()
    {
        { OffloadMode.None, false }, { OffloadMode.None, true }, { OffloadMode.Soft, false }, { OffloadMode.Soft, true }, { OffloadMode.Nic, false }, { OffloadMode.Nic, true },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Who_finds_no_room_passes_as_new_and_is_counted(OffloadMode mode, bool isTcp)
    {
        using Bed bed = new(mode);

        // Each first packet leaves, with and without a connection of its own.
        Assert.Equal((0, 0, Flows), bed.SendAll(from: 1, There, isTcp));
        Assert.Equal((Capacity, (ulong)Refused), (bed.Ct.Count, bed.Ct.RefusedByFullTable));
        Assert.Equal((ulong)Refused, bed.Ct.RefusedConnections);

        // Answers of the others: of UDP they are new themselves, of TCP they cannot be.
        (int Known, int New, int Invalid) answers = bed.SendAnswers(isTcp);
        Assert.Equal((Capacity, isTcp ? 0 : Refused, isTcp ? Refused : 0), answers);

        // Each further packet is refused and counted again.
        if (!isTcp)
        {
            Assert.Equal((0, 0, Flows), bed.SendAll(from: 1, There, isTcp));
            Assert.Equal(2ul * Refused, bed.Ct.RefusedByFullTable);
        }

        // Those in the table go on; merged rules carry them where there are some.
        for (int i = 0; i < 20; i++) Assert.Equal(isTcp ? (0, 0, Capacity) : (0, 0, Flows), bed.SendAll(from: 1, isTcp ? Data : There, isTcp, isTcp ? Capacity : Flows));
        Assert.Equal(mode != OffloadMode.None, bed.OffloadHits > Capacity);
        Assert.Equal((Capacity, 0), (bed.Ct.Count, bed.PacketsInUse));

        // When they have expired there is room again, for as many.
        ulong before = bed.Ct.RefusedByFullTable;
        bed.ExpireAll();
        Assert.Equal(0, bed.Ct.Count);
        Assert.Equal((0, 0, Capacity), bed.SendAll(from: 1, There, isTcp, Capacity));
        Assert.Equal((Capacity, before), (bed.Ct.Count, bed.Ct.RefusedByFullTable));
        Assert.Equal((Capacity, 0, 0), bed.SendAnswers(isTcp, Capacity));
        Assert.Equal(0, bed.PacketsInUse);
    }

    private static byte[] There(int flow, bool isTcp) => isTcp ? Frames.Tcp("10.0.0.1", 1000 + flow, "10.0.0.2", 80, Frames.Syn, 100) : Frames.Udp("10.0.0.1", 1000 + flow, "10.0.0.2", 53);

    private static byte[] Back(int flow, bool isTcp) => isTcp ? Frames.Tcp("10.0.0.2", 80, "10.0.0.1", 1000 + flow, Frames.Syn | Frames.Ack, 500, 101) : Frames.Udp("10.0.0.2", 53, "10.0.0.1", 1000 + flow);

    private static byte[] Data(int flow, bool isTcp) => Frames.Tcp("10.0.0.1", 1000 + flow, "10.0.0.2", 80, Frames.Ack, 101, 501);

    private sealed class Bed : IOutputSink, IDisposable
    {
        private readonly Simulator _simulator;
        private readonly int[] _sent = new int[5];

        public Bed(OffloadMode mode)
        {
            _simulator = new Simulator(
                new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3), ("p4", 4)], Offload = mode, TcpSeqChk = mode != OffloadMode.Nic, ConnectionCapacity = Capacity, PacketCapacity = 64, BatchSize = 8 },
                this);
            _simulator.ApplyFlowMods(new FlowTextParser().ParseFlows(Firewall));
        }

        public ConnTracker Ct => _simulator.Datapath.Conntrack;

        public int PacketsInUse => _simulator.Datapath.Pmd.Pool.InUse;

        public ulong OffloadHits => _simulator.Report().OffloadHits;

        /// <summary>One packet of each flow; how many left at ports 3, 4 and 2. None is lost.</summary>
        public (int New, int Invalid, int Forwarded) SendAll(uint from, Func<int, bool, byte[]> frame, bool isTcp, int flows = Flows)
        {
            Send(from, frame, isTcp, flows);
            return (_sent[3], _sent[4], _sent[2]);
        }

        /// <summary>An answer to each flow; how many left at ports 1, 3 and 4. None is lost.</summary>
        public (int Known, int New, int Invalid) SendAnswers(bool isTcp, int flows = Flows)
        {
            Send(2, Back, isTcp, flows);
            return (_sent[1], _sent[3], _sent[4]);
        }

        public void ExpireAll() => _simulator.AdvanceTo(_simulator.NowMs + (48L * 3_600_000));

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _sent[port]++;

        public void Dispose() => _simulator.Dispose();

        private void Send(uint from, Func<int, bool, byte[]> frame, bool isTcp, int flows)
        {
            Array.Clear(_sent);
            for (int i = 0; i < flows; i++) _simulator.Receive(from, frame(i, isTcp), i);
            _simulator.ProcessPending();
            Assert.Equal(flows, _sent.Sum());
        }
    }
}
