using System.Globalization;
using Mergeflow.Native;

namespace Mergeflow.PropertyTests;

/// <summary>Plays a case on the engine, in its simulator.</summary>
internal sealed class EngineRun : IOutputSink
{
    private static readonly DatapathOptions s_shipped = new() { Ports = [] };

    private readonly List<(uint Port, string Hex)>[] _outputs;

    private readonly List<string> _drifts = [];
    private int _audits;

    /// <summary>The device may keep its counters to itself or stall: what it has counted is not known at every moment.</summary>
    private bool _blind;

    private EngineRun(int eventCount) => _outputs = [.. Enumerable.Range(0, eventCount).Select(_ => new List<(uint, string)>())];

    public static RunResult Play(FuzzCase @case, EngineSetup setup)
    {
        var run = new EngineRun(@case.Events.Count) { _blind = setup.Faults is { } f && (f.CounterFreezes.Count > 0 || f.Stalls.Count > 0) };
        var options = new SimulatorOptions
        {
            Ports = [.. @case.Ports.Select(p => ($"p{p}", p))],
            Tunnels = [.. @case.Tunnels.Select(t => new TunnelPortParser(PortNames.None).Parse(t.Port, t.Options))],
            PmdCount = setup.Pmds,
            HandlerCount = setup.Handlers,
            RssSeed = setup.Seed + setup.ScheduleSeed,
            RssIsSymmetric = !setup.Asymmetric,
            Offload = setup.Offload,
            NicProfile = setup.NicProfile,
            NicFaults = setup.Faults ?? Mergeflow.Nic.FaultPlan.None,
            CacheOn = setup.CacheOn,
            BatchSize = setup.BatchSize,
            Seed = setup.Seed,
            TcpSeqChk = @case.ChecksSequence,
            Quirks = setup.RepeatsOvs31 ? Quirks.Ovs31 : @case.ReadsStaged ? Quirks.None with { StagedTableRules = int.MaxValue } : Quirks.None,
            MergedCapacity = setup.Shipped ? s_shipped.MergedCapacity : setup.Capacity,
            OffloadThread = new OffloadOptions { Parts = NaiveParts.With(setup.Naive) },
            ScheduleSeed = setup.ScheduleSeed,
            SlicesControl = setup.Slices,
            OffloadRunsApart = setup.Apart,
            ConnectionCapacity = setup.Shipped ? s_shipped.ConnectionCapacity : 4096,
            MegaflowCapacity = setup.Shipped ? s_shipped.MegaflowCapacity : 8192,

            // Every third batch size plays under a bound on subtables that every case reaches. Not where normal learns: a packet that has a megaflow
            // is learned from later, when it is counted.
            SubtableLimit = setup.BatchSize % 3 == 1 && !@case.Learns && !setup.Shipped ? 2 : s_shipped.SubtableLimit,
            EmcEntryCount = setup.Shipped ? s_shipped.EmcEntryCount : 1024,
            PacketCapacity = setup.Guarded ? 1500 : 512,
            GuardPages = setup.Guarded,
            IpfMinFragV4Bytes = @case.MinFragmentBytes.V4,
            IpfMinFragV6Bytes = @case.MinFragmentBytes.V6,
            FrameCapacityBytes = 2048,
        };
        using var simulator = new Simulator(options, run);
        using GuardedBlock? input = setup.Guarded ? new GuardedBlock(options.FrameCapacityBytes) : null;
        using ApartRuntime? apart = setup.Apart ? new ApartRuntime(simulator) : null;
        var turns = new Chance((int)setup.ScheduleSeed);
        foreach (MeterMod meter in @case.ParseMeters()) simulator.ApplyMeterMod(meter);
        foreach (GroupMod group in @case.ParseGroups()) simulator.ApplyGroupMod(group);
        simulator.ApplyFlowMods(@case.ParseFlows());
        for (int i = 0; i < @case.Events.Count; i++)
        {
            if (apart is not null && turns.OneIn(3)) apart.LetOffloadCatchUp();

            // What normal and learn get from packets they get when these are counted, and a purge counts.
            if (setup.Slices && setup.Faults is null && !@case.Learns && turns.OneIn(8)) run.Purge(simulator, i);
            Step(simulator, @case.Events[i], i, input);

            // Acknowledged: what the change revoked is out of use, what was counted is booked.
            if (@case.Events[i].Op is FuzzOp.Packet or FuzzOp.Tick) continue;
            if (simulator.Datapath.Offload?.RevokedInUse() > 0 && !run._blind) run._drifts.Add($"after event {i}: revoked rules are still in use");

            // An audit removes them, too: some packets have to meet rules that are out of use and there.
            if (setup.ScheduleSeed == 0 || ((setup.ScheduleSeed >> (i & 31)) & 1) != 0) run.Check(simulator, $"event {i}");
        }

        apart?.Dispose();
        simulator.AdvanceTo(simulator.NowMs + setup.QuietMs);
        SimulatorReport report = simulator.Report();
        run.Check(simulator, "the end");
        Dictionary<uint, string> ports = @case.Ports.ToDictionary(p => p, p => simulator.Datapath.CountersOf(p).ToString());
        RunResult result = run.Finish(report, ports, RulesLeft(simulator));
        run.CheckLeft(simulator, result.Statistics);
        return result;
    }

    private void Purge(Simulator simulator, int before)
    {
        simulator.Purge();
        if (simulator.Datapath.MegaflowCount != 0 || simulator.Datapath.DumpMegaflows(simulator.NowMs).Count != 0) _drifts.Add($"before event {before}: a purge leaves megaflows");
    }

    /// <summary>After a minute nothing is on hold any more, and every packet is back where it came from.</summary>
    private void CheckLeft(Simulator simulator, RunStatistics statistics)
    {
        ConnTracker conntrack = simulator.Datapath.Conntrack;
        statistics.Add("datagrams reassembled", conntrack.DatagramsReassembled);
        statistics.Add("fragments refused", conntrack.FragmentsRefused);
        statistics.Add("fragments evicted", conntrack.FragmentsEvicted);
        simulator.AdvanceTo(simulator.NowMs + 60_000);
        simulator.Settle();
        if (conntrack.HeldFragments > 0) _drifts.Add($"{conntrack.HeldFragments} fragments are on hold for ever");
        foreach (PmdContext pmd in simulator.Datapath.Pmds.Where(static p => p.Pool.InUse > 0)) _drifts.Add($"{pmd.Pool.InUse} packets of thread {pmd.Index} were not returned");
    }

    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _outputs[eventIndex].Add((port, Convert.ToHexStringLower(frame)));

    private static void Step(Simulator simulator, FuzzEvent e, int index, GuardedBlock? input)
    {
        simulator.AdvanceTo(e.TimeMs);
        switch (e.Op)
        {
            case FuzzOp.Packet:
                simulator.Receive(e.Port, input is null ? e.Frame : input.PlaceAtEnd(e.Frame), index);
                break;
            case FuzzOp.FlowMods:
                // The model counts a packet for the rules that decided about it, whenever these are changed.
                simulator.Settle();
                simulator.ApplyFlowMods([.. e.Lines.Select(l => FuzzCase.Parser.ParseFlow(l))]);
                break;
            case FuzzOp.GroupMod:
                simulator.Settle();
                simulator.ApplyGroupMod(FuzzCase.Parser.ParseGroup(e.Lines[0]));
                break;
            case FuzzOp.MeterMods:
                foreach (MeterMod meter in e.Lines.SelectMany(FlowTextParser.ParseMeters)) simulator.ApplyMeterMod(meter);
                break;
            case FuzzOp.PortDown:
            case FuzzOp.PortUp:
                simulator.SetPort(e.Port, e.Op == FuzzOp.PortUp);
                break;
            case FuzzOp.FlushConntrack:
                simulator.FlushConntrack((ushort?)e.Zone);
                break;
        }
    }

    private void Check(Simulator simulator, string when)
    {
        if (simulator.Datapath.Offload is null) return;
        OffloadAudit audit = simulator.Audit();
        _audits++;
        foreach (OffloadAuditLine l in audit.Lines.Where(l => !l.IsBalanced && (!_blind || l != audit.Lines[0])))
        {
            _drifts.Add($"after {when}: {l.Book}: drift of {l.DriftPackets} packets, {l.DriftBytes} bytes");
        }

        if (audit.StaleRules > 0) _drifts.Add($"after {when}: {audit.StaleRules} rules depend on what has moved");
    }

    /// <summary>Merged rules that are still there when everything that they were made of is gone.</summary>
    private static int RulesLeft(Simulator simulator)
    {
        if (simulator.Datapath.Offload is not { } offload) return 0;
        simulator.FlushConntrack(null);
        simulator.ApplyFlowMods([FuzzCase.Parser.ParseFlow("delete")]);
        simulator.AdvanceTo(simulator.NowMs + 120_000);
        simulator.Settle();
        return offload.RuleCount;
    }

    private RunResult Finish(SimulatorReport report, Dictionary<uint, string> ports, int rulesLeft)
    {
        var statistics = new RunStatistics();
        statistics.Add("upcalls", (long)report.Pmd.Upcalls);
        statistics.Add("EMC hits", (long)report.Pmd.EmcHits);
        statistics.Add("megaflow hits", (long)report.Pmd.MegaflowHits);
        statistics.Add("recirculations", (long)report.Pmd.Recirculations);
        statistics.Add("merged rules", (long)report.Offloaded);
        statistics.Add("offloaded packets", (long)report.OffloadHits);
        statistics.Add("megaflows", report.MegaflowCount);
        statistics.Add("audits", _audits);
        statistics.Add("connections", report.Connections.Count);
        statistics.Add("connections answered", report.Connections.Count(c => c.ReplyPackets > 0));
        statistics.Add("connections of TCP, est", report.Connections.Count(c => c.State == "ESTABLISHED"));
        return new RunResult
        {
            Outputs = [.. _outputs.Select(o => RecordedCase.PerPort(o))],
            Rules = RunResult.ByCookie(report.Rules.Select(r => (r.Cookie, r.Packets, r.Bytes))),
            Connections = report.Connections.ToDictionary(Show, c => c.TimeoutSeconds),
            ConnectionCounters = report.Connections.ToDictionary(
                Show, c => string.Create(CultureInfo.InvariantCulture, $"{c.OrigPackets}/{c.OrigBytes} {c.ReplyPackets}/{c.ReplyBytes}")),
            Ports = ports,
            Drifts = _drifts,
            RulesLeft = rulesLeft,
            Statistics = statistics,
        };
    }

    private static string Show(ConnInfo c)
        => string.Create(CultureInfo.InvariantCulture, $"{c.Proto} zone={c.Zone} mark={c.Mark} label={c.Label.ToUInt128()} {c.State ?? "-"} {Show(c.Orig)} / {Show(c.Reply)}");

    private static string Show(ConnTuple t)
        => t.IsIcmp ? string.Create(CultureInfo.InvariantCulture, $"{Number(t, t.Src)}:{t.IcmpId}:{t.IcmpType}>{Number(t, t.Dst)}:0")
            : string.Create(CultureInfo.InvariantCulture, $"{Number(t, t.Src)}:{t.SrcPort}:0>{Number(t, t.Dst)}:{t.DstPort}");

    private static UInt128 Number(ConnTuple t, Ipv6Address a) => t.IsIpv6 ? a.ToUInt128() : a.ToUInt128() >> 96;
}
