namespace Mergeflow.PropertyTests;

/// <summary>The same on the engine: one datapath that has all bridges.</summary>
internal sealed class BridgesRun : IOutputSink, IDisposable
{
    private readonly List<(uint Port, string Hex)> _sent = [];
    private readonly Simulator _simulator;
    private readonly DatapathBridge[] _bridges;
    private readonly VportCounters[,] _counters;

    /// <summary>The broken twin: megaflows are not looked at when the tables of another bridge than the first one change.</summary>
    private readonly bool _forgets;

    public BridgesRun(BridgesCase @case, OffloadMode offload, int batchSize, bool forgets = false)
    {
        int count = @case.Bridges.Count;
        _forgets = forgets;
        _simulator = new Simulator(
            new SimulatorOptions { Ports = [], Offload = offload, TcpSeqChk = offload != OffloadMode.Nic, BatchSize = batchSize, ConnectionCapacity = 4096, MegaflowCapacity = 8192, EmcEntryCount = 1024, PacketCapacity = 512, FrameCapacityBytes = 2048 },
            this);
        _bridges = [.. Enumerable.Range(0, count).Select(i => Datapath.AddBridge($"br{i}", 0))];
        _counters = new VportCounters[count, Domain.Ports.Max() + 1];
        for (int i = 0; i < count; i++)
        {
            foreach (uint port in Domain.Ports)
            {
                PipelinePort added = new(Name(i, port), port) { InDatapath = BridgesCase.NumberOf(i, port) };
                if (BridgesCase.IsPatch(i, port, count))
                {
                    (int to, uint toPort) = BridgesCase.PeerOf(i, port);
                    added = added with { InDatapath = null, PeerName = Name(to, toPort), Counters = _counters[i, port] = new VportCounters(isShared: false) };
                }

                _bridges[i].Ports.Add(added, 0, 0);
            }

            foreach (GroupMod group in @case.Bridges[i].ParseGroups()) _bridges[i].ApplyGroupMod(group, 0);
            _bridges[i].ApplyFlowMods(@case.Bridges[i].ParseFlows(), 0);
        }
    }

    public Datapath Datapath => _simulator.Datapath;

    /// <summary>What leaves at an event.</summary>
    public List<string> Step(int bridge, FuzzEvent e)
    {
        _sent.Clear();
        _simulator.AdvanceTo(e.TimeMs);
        switch (e.Op)
        {
            case FuzzOp.Packet:
                _simulator.Receive(BridgesCase.NumberOf(bridge, e.Port), e.Frame, 0);
                break;
            case FuzzOp.FlowMods:
                Change(bridge, b => b.ApplyFlowMods([.. e.Lines.Select(static l => FuzzCase.Parser.ParseFlow(l))], _simulator.NowMs), p => p.ApplyAll([.. e.Lines.Select(static l => FuzzCase.Parser.ParseFlow(l))], _simulator.NowMs));
                break;
            case FuzzOp.GroupMod:
                Change(bridge, b => b.ApplyGroupMod(FuzzCase.Parser.ParseGroup(e.Lines[0]), _simulator.NowMs), p => p.ApplyGroup(FuzzCase.Parser.ParseGroup(e.Lines[0])));
                break;
            case FuzzOp.PortDown or FuzzOp.PortUp:
                _simulator.ProcessPending();
                _bridges[bridge].Ports.SetLink(e.Port, e.Op == FuzzOp.PortUp, _simulator.NowMs);
                break;
            case FuzzOp.FlushConntrack:
                _simulator.FlushConntrack((ushort?)e.Zone);
                break;
        }

        _simulator.ProcessPending();
        return RecordedCase.PerPort(_sent);
    }

    /// <summary>Everything that was counted is reported.</summary>
    public void Settle() => _simulator.Settle();

    /// <summary>Rules of a bridge.</summary>
    public IEnumerable<OfRule> Rules(int bridge) => _bridges[bridge].Pipeline.Rules;

    /// <summary>What an end of a patch has counted.</summary>
    public (ulong Rx, ulong Tx) Counted(int bridge, uint port) => (_counters[bridge, port].Rx.Packets, _counters[bridge, port].Tx.Packets);

    /// <summary>Books that do not agree; none without offload.</summary>
    public IEnumerable<string> Drifts() => Datapath.Offload is null ? [] : _simulator.Audit().Lines.Where(static l => !l.IsBalanced).Select(static l => $"{l.Book}: {l.DriftPackets} packets, {l.DriftBytes} bytes");

    /// <inheritdoc/>
    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _sent.Add((port, Convert.ToHexStringLower(frame)));

    /// <inheritdoc/>
    public void Dispose() => _simulator.Dispose();

    private static string Name(int bridge, uint port) => $"p{bridge}-{port}";

    private void Change(int bridge, Action<DatapathBridge> change, Action<OfPipeline> alone)
    {
        _simulator.Settle();
        if (_forgets && bridge > 0) alone(_bridges[bridge].Pipeline);
        else change(_bridges[bridge]);
    }
}
