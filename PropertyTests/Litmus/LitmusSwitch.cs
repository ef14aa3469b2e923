using Mergeflow.Native;

namespace Mergeflow.PropertyTests;

/// <summary>A whole switch with a soft device, whose packet thread and offload thread are two threads of a run. One UDP flow, port 1 to 2 or 3.</summary>
internal sealed class LitmusSwitch : IOutputSink, IDisposable
{
    private static readonly byte[] s_frame = FrameWriter.Write(new FrameSpec { Proto = 17, SrcPort = 7, DstPort = 9 });
    private static readonly IReadOnlyList<FlowMod> s_to2 = [FuzzCase.Parser.ParseFlow("in_port=1,udp actions=output:2")];
    private static readonly IReadOnlyList<FlowMod> s_to3 = [FuzzCase.Parser.ParseFlow("in_port=1,udp actions=output:3")];
    private readonly Simulator _simulator;
    private readonly QuiescentState.Reader _offloadThread;
    private uint _port;

    public LitmusSwitch(OffloadParts? parts = null)
    {
        _simulator = new Simulator(
            new SimulatorOptions
            {
                Ports = [("p1", 1), ("p2", 2), ("p3", 3)],
                Offload = OffloadMode.Soft,
                OffloadRunsApart = true,
                BatchSize = 1,
                PacketCapacity = 64,
                FrameCapacityBytes = 256,
                MegaflowCapacity = 64,
                ConnectionCapacity = 64,
                MergedCapacity = 16,
                EmcEntryCount = 16,
                OffloadThread = new OffloadOptions { Parts = parts ?? OffloadParts.Standard },
            },
            this);
        _offloadThread = _simulator.Datapath.Quiescent.Register();
        _simulator.ApplyFlowMods(s_to2);
    }

    public OffloadThread Offload => _simulator.Datapath.Offload!;

    /// <summary>Packets that took a merged rule.</summary>
    public ulong Hits => _simulator.Datapath.Pmd.Stats.MergedHits;

    /// <summary>On the packet thread: one packet; returns where it left.</summary>
    public uint Send()
    {
        _port = 0;
        _simulator.Receive(1, s_frame, 0);
        _simulator.ProcessPending();
        return _port;
    }

    /// <summary>On the packet thread: from now on packets leave on port 3, and on no other.</summary>
    public Acknowledgement Redirect() => _simulator.ApplyFlowMods(s_to3);

    /// <summary>On the offload thread: one round.</summary>
    public void Step()
    {
        Offload.Step(_simulator.NowMs);
        _offloadThread.Announce();
    }

    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _port = port;

    public void Dispose() => _simulator.Dispose();
}
