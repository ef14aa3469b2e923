using System.Buffers.Binary;
using Mergeflow.Nic;

namespace Mergeflow.Tests;

/// <summary>A whole switch with a device, fed frame by frame.</summary>
internal sealed class OffloadedSwitch : IOutputSink, IDisposable
{
    private readonly FlowTextParser _parser = new(new PortNames(new Dictionary<string, uint> { ["p1"] = 1, ["p2"] = 2, ["p3"] = 3 }));
    private readonly Simulator _simulator;
    private readonly List<(uint Port, byte[] Frame)> _sent = [];

    public OffloadedSwitch(OffloadMode mode, string flows, bool tcpSeqChk = true, FaultPlan? faults = null, OffloadOptions? offload = null, bool runsApart = false, int pmds = 1)
    {
        _simulator = new Simulator(
            new SimulatorOptions
            {
                Ports = [("p1", 1), ("p2", 2), ("p3", 3)],
                Offload = mode,
                NicFaults = faults ?? FaultPlan.None,
                BatchSize = 1,
                PacketCapacity = 64,
                TcpSeqChk = tcpSeqChk,
                OffloadThread = offload ?? new OffloadOptions(),
                OffloadRunsApart = runsApart,

                // A queue a port, in turn: port 1 is thread 0's, port 2 thread 1's.
                PmdCount = pmds,
                QueuesPerPort = 1,
            },
            this);
        _simulator.ApplyFlowMods(_parser.ParseFlows(flows));
    }

    public ulong Hits => _simulator.Report().OffloadHits;

    public OffloadThread Offload => _simulator.Datapath.Offload!;

    public Simulator Simulator => _simulator;

    public Acknowledgement Change(string flowMod) => _simulator.ApplyFlowMods(_parser.ParseFlows(flowMod));

    public void AdvanceTo(long nowMs) => _simulator.AdvanceTo(nowMs);

    /// <summary>Ports that the frame left on.</summary>
    public uint[] Send(uint port, byte[] frame)
    {
        _sent.Clear();
        _simulator.Receive(port, frame, 0);
        _simulator.ProcessPending();
        return [.. _sent.Select(static s => s.Port)];
    }

    public byte[] LastFrame => _sent[^1].Frame;

    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _sent.Add((port, frame.ToArray()));

    public void Dispose() => _simulator.Dispose();

    /// <summary>A segment between 10.0.0.1:1000 and 10.0.0.2:80, or back.</summary>
    public static byte[] Segment(bool reply, uint seq, uint ack, byte flags, int payload = 0, ushort client = 1000)
    {
        byte[] s = NicFrame.TcpSegment(reply ? (ushort)80 : client, reply ? client : (ushort)80, flags, payload);
        BinaryPrimitives.WriteUInt32BigEndian(s.AsSpan(4), seq);
        BinaryPrimitives.WriteUInt32BigEndian(s.AsSpan(8), ack);
        BinaryPrimitives.WriteUInt16BigEndian(s.AsSpan(14), 60_000);
        return reply ? NicFrame.New().Ipv4("10.0.0.2", "10.0.0.1", 6, s) : NicFrame.New().Ipv4("10.0.0.1", "10.0.0.2", 6, s);
    }

    /// <summary>SYN, SYN|ACK, ACK; client at port 1, server at port 2.</summary>
    public void Handshake(uint isn = 1000)
    {
        Send(1, Segment(false, isn, 0, 0x02));
        Send(2, Segment(true, 5000, isn + 1, 0x12));
        Send(1, Segment(false, isn + 1, 5001, 0x10));
        Send(2, Segment(true, 5001, isn + 1, 0x10));
    }
}
