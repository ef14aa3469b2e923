namespace Mergeflow.Tests;

/// <summary>A datapath with two bridges that a patch joins: ports 1 and 2 of each are 11, 12 and 21, 22 in the datapath, the bridges' own ones 10 and 20, and port 9 of one leads to port 9 of the other.</summary>
internal sealed class BridgesBed : IOutputSink, IDisposable
{
    private readonly List<string> _sent = [];
    private readonly FlowTextParser _parser = new();
    private long _events;

    public BridgesBed(string first, string second, OffloadMode mode = OffloadMode.None, string peer = "to-first")
    {
        Simulator = new Simulator(new SimulatorOptions { Ports = [], Offload = mode, BatchSize = 1, PacketCapacity = 64, FrameCapacityBytes = 2048, PacketInBytes = 1 << 16 }, this);
        First = New("br1", 10, "to-second", "to-first");
        Second = New("br2", 20, "to-first", peer == "to-first" ? "to-second" : peer);
        First.ApplyFlowMods(_parser.ParseFlows(first), 0);
        Second.ApplyFlowMods(_parser.ParseFlows(second), 0);
    }

    public Simulator Simulator { get; }

    public DatapathBridge First { get; }

    public DatapathBridge Second { get; }

    public VportCounters FirstEnd { get; } = new(isShared: false);

    public VportCounters SecondEnd { get; } = new(isShared: false);

    /// <summary>Sends a frame; ports of the datapath that it left by, each with what it looks like if that is another one.</summary>
    public string Send(uint port, byte[] frame)
    {
        _sent.Clear();
        Simulator.Receive(port, frame, _events++);
        Simulator.ProcessPending();
        return string.Join(' ', _sent);
    }

    /// <summary>Programs of all megaflows, as dpctl prints them, in the order in which they were made.</summary>
    public IReadOnlyList<string> Programs() => [.. Simulator.Datapath.DumpMegaflows(Simulator.NowMs).OrderBy(static m => m.Order).Select(static m => DpFlowFormatter.FormatActions(m.Actions))];

    /// <summary>Applies rules to a bridge.</summary>
    public void Mod(DatapathBridge bridge, string flows) => bridge.ApplyFlowMods(_parser.ParseFlows(flows), Simulator.NowMs);

    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _sent.Add($"{port}");

    public void Dispose() => Simulator.Dispose();

    private DatapathBridge New(string name, uint number, string patch, string peer)
    {
        DatapathBridge bridge = Simulator.Datapath.AddBridge(name, 0);
        bridge.Ports.Add(new PipelinePort(name, (uint)OfReservedPort.Local) { InDatapath = number }, 0, 0);
        for (uint port = 1; port <= 2; port++) bridge.Ports.Add(new PipelinePort($"{name}-{port}", port) { InDatapath = number + port }, 0, 0);
        bridge.Ports.Add(new PipelinePort(patch, 9) { PeerName = peer, Counters = number == 10 ? FirstEnd : SecondEnd }, 0, 0);
        return bridge;
    }
}
