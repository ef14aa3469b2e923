using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>One switch, built from arguments, with the events that run through it.</summary>
public sealed class ReplaySession : IDisposable
{
    /// <summary>Events without a clock change or a control operation after which output lines are written all the same: bounds memory.</summary>
    private const int MaxPendingEvents = 4096;
    private const long RecordedIntervalMs = 1_000_000_000;

    /// <summary>Largest frame that the switch takes, bytes; a capture with longer frames (receive coalescing) gets larger slots.</summary>
    private const int FrameCapacityBytes = 10_240;

    private const int LargestFrameBytes = 65_280;

    /// <summary>To the engine 0 means "choose by chance"; a replay has to repeat itself whatever its seed.</summary>
    private const ulong SeedForZero = 0x9e37_79b9_7f4a_7c15;

    private static readonly DatapathOptions s_shipped = new() { Ports = [] };

    private readonly IEventSource _events;
    private readonly FlowTextParser _parser;
    private readonly ReplayWriter _writer;
    private readonly int _frameCapacityBytes;
    private readonly bool _isAsRecorded;
    private readonly Action<PollerFailure> _onFailure;
    private readonly Action<string>? _warn;
    private readonly ReplayProgress? _progress;
    private readonly Responder? _responder;
    private PacketPool? _scratch;
    private long _nowMs;
    private bool _hasMoved;
    private bool _hasRead;

    /// <summary>Parses flows and groups and builds the switch; nothing has run yet.</summary>
    /// <param name="arguments">What to run.</param>
    /// <param name="output">Where the lines of the events go; not owned.</param>
    /// <param name="captures">Takes what leaves, per port; null = nothing does. Not owned.</param>
    /// <exception cref="CommandFailedException">A file cannot be parsed, or needs a missing feature.</exception>
    public ReplaySession(ReplayArguments arguments, Stream output, PortCaptures? captures = null)
    {
        string flowsName = Path.GetFileName(arguments.FlowsPath);
        _warn = arguments.Warn;
        _progress = arguments.Progress;
        _onFailure = failure =>
        {
            if (failure.DatapathId == Simulator?.Datapath.TelemetryId) _warn?.Invoke(failure.Line);
        };
        _parser = new FlowTextParser(
            new PortNames(arguments.Ports.ToDictionary(p => p.Name, p => p.Number)),
            text => arguments.Warn?.Invoke(_events is null ? $"{flowsName} {text}" : $"{_events.Name} line {Event.LineNumber}, {text}"));
        (ControlText meterText, IReadOnlyList<MeterMod> meters) = arguments.MetersPath is string metersPath
            ? Parse(metersPath, arguments.Spool, FlowTextParser.ParseMeters)
            : (ControlText.OfFile("", ""), []);
        (ControlText groupText, IReadOnlyList<GroupMod> groups) = arguments.GroupsPath is string groupsPath
            ? Parse(groupsPath, arguments.Spool, text => _parser.ParseGroups(text, GroupModCommand.Add))
            : (ControlText.OfFile("", ""), []);
        (ControlText flowText, IReadOnlyList<FlowMod> flows) = Parse(arguments.FlowsPath, arguments.Spool, text => _parser.ParseFlows(text));
        if (arguments.Responds) arguments = arguments with { BatchSize = 1 };
        _writer = new ReplayWriter(output, captures);
        (_events, _frameCapacityBytes) = OpenEvents(arguments);
        arguments = arguments with { Quirks = arguments.Quirks ?? (_events is CaptureEventSource ? Quirks.None : Quirks.Ovs31) };
        if (arguments.Responds) _writer.Responder = _responder = new Responder(_frameCapacityBytes);
        _isAsRecorded = IsAsRecorded(arguments);
        try
        {
            Simulator = new Simulator(SwitchOptions(arguments, _frameCapacityBytes), _writer);
            PollerFailures.Reported += _onFailure;
            if (Simulator.Datapath.Offload is { } offload && arguments.LogsFates) offload.Report.Fates = Fates = new FateLog(() => Simulator.NowMs);
            for (int i = 0; i < meters.Count; i++) meterText.Run(() => Simulator.ApplyMeterMod(meters[i]), i);
            for (int i = 0; i < groups.Count; i++) groupText.Run(() => Simulator.ApplyGroupMod(groups[i]), i);
            flowText.Run(() => Simulator.ApplyFlowMods(flows));
            Simulator.Datapath.Learn(arguments.Config.Learned, Simulator.NowMs);
            if (arguments.ConnectionsPath is string connections) Simulator.Datapath.RestoreConnections(ConnectionFile.Read(connections, null), Simulator.NowMs);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The switch.</summary>
    public Simulator Simulator { get; }

    /// <summary>Frames that were handed to the switch, in software or hardware.</summary>
    public long PacketCount { get; private set; }

    /// <summary>Their bytes.</summary>
    public long ByteCount { get; private set; }

    /// <summary>Both.</summary>
    public BookTotals Received => new((ulong)PacketCount, (ulong)ByteCount);

    /// <summary>What became of each packet, per flow; null without offload.</summary>
    public FateLog? Fates { get; }

    /// <summary>The event that was read last.</summary>
    public ReplayEvent Event { get; } = new();

    /// <summary>Runs everything and writes all lines, the <c>final</c> line included.</summary>
    /// <param name="arguments">What to run.</param>
    /// <param name="output">Where the lines go; not owned.</param>
    /// <param name="interrupted">Ends the run.</param>
    /// <param name="captures">Takes what leaves, per port; null = nothing does. Not owned.</param>
    /// <param name="beforeEvent">Takes the switch when the clock stands at the next event, before it runs.</param>
    /// <returns>The settled state.</returns>
    public static SimulatorReport Run(ReplayArguments arguments, Stream output, CancellationToken interrupted = default, Action<Simulator>? beforeEvent = null, PortCaptures? captures = null)
    {
        using ReplaySession session = new(arguments, output, captures);
        while (session.Read())
        {
            interrupted.ThrowIfCancellationRequested();
            session.Synchronize();
            beforeEvent?.Invoke(session.Simulator);
            session.Execute();
        }

        SimulatorReport report = session.Finish();
        FinalLine.Write(report, session.Simulator.Datapath.Options, output);
        return report;
    }

    /// <summary>Runs the next event.</summary>
    /// <returns>False when there is none.</returns>
    public bool Step()
    {
        if (!Read()) return false;
        Synchronize();
        Execute();
        return true;
    }

    /// <summary>Reads the next event; the switch does not know of it yet.</summary>
    /// <returns>False when there is none.</returns>
    public bool Read()
    {
        bool isThere = _events.TryRead(Event);
        if (isThere) _progress?.Add(_events.Part);
        else if (!_hasRead) _warn?.Invoke($"{_events.Name}: there is nothing in it");
        _hasRead = true;
        return isThere;
    }

    /// <summary>Moves the clock to the event that was read, and finishes what has to be finished before it.</summary>
    public void Synchronize()
    {
        if (Event.TimeMs > _nowMs)
        {
            Simulator.AdvanceTo(Event.TimeMs);
            _hasMoved = true;

            // Each time/warp woke the revalidators of the recorded Open vSwitch. One that comes less than 5 ms after the last round waits
            // for the rest of them on the real clock (poll), while the warp itself sleeps 10 ms: so a round always ends before the next event.
            if (_isAsRecorded) Simulator.Settle();
            else Simulator.ProcessPending();
            _writer.EmitAll();
            _nowMs = Event.TimeMs;
        }
        else if (Event.Op != ReplayOp.Packet || _writer.PendingCount >= MaxPendingEvents)
        {
            // Before the clock moves for the first time the round is still to come that the first flows have started.
            if (!_hasMoved && Event.Op is ReplayOp.FlowMods or ReplayOp.GroupMod) Simulator.Settle();
            Drain();
        }
    }

    /// <summary>Processes what is pending and writes the lines of all events so far.</summary>
    public void Drain()
    {
        Simulator.ProcessPending();
        _writer.EmitAll();
    }

    /// <summary>Hands the event that was read to the switch.</summary>
    public void Execute()
    {
        long sequence = _writer.Begin(Event.Index, Event.TimestampNs);
        switch (Event.Op)
        {
            case ReplayOp.Packet:
                if (Event.FrameSizeBytes > _frameCapacityBytes)
                    Fail($"a frame of {Event.FrameSizeBytes} bytes; at most {_frameCapacityBytes} are possible");
                _responder?.Receive(Event.FrameToChange);
                PacketCount++;
                ByteCount += Event.FrameSizeBytes;
                Fates?.Receive(KeyOfEvent(), Event.FrameSizeBytes);
                Simulator.Receive(Event.Port, Event.Frame, sequence);
                break;
            case ReplayOp.FlowMods:
                ApplyFlowMods();
                break;
            case ReplayOp.GroupMod:
                ApplyGroupMod();
                break;
            case ReplayOp.MeterMods:
                ApplyMeterMods();
                break;
            case ReplayOp.PortDown:
            case ReplayOp.PortUp:
                Note(Simulator.Purge());
                Note(Simulator.SetPort(Event.Port, Event.Op == ReplayOp.PortUp));
                break;
            case ReplayOp.PortDelete:
                Note(Simulator.Purge());
                Note(Simulator.RemovePort(Event.Port));
                break;
            case ReplayOp.PortAdd:
                Note(Simulator.Purge());
                Note(Simulator.AddPort(Event.Port));
                break;
            case ReplayOp.Purge:
                Note(Simulator.Purge());
                break;
            case ReplayOp.CtFlush:
                Note(Simulator.FlushConntrack(Event.Zone));
                break;
            case ReplayOp.CtSetLimits:
            case ReplayOp.CtDelLimits:
                ApplyLimits();
                break;
            default:
                break;
        }
    }

    /// <summary>Processes what is pending, writes the last lines and settles all counters.</summary>
    public SimulatorReport Finish()
    {
        Drain();
        return Simulator.Report();
    }

    public void Dispose()
    {
        _progress?.End();
        PollerFailures.Reported -= _onFailure;
        _scratch?.Dispose();
        _responder?.Dispose();
        Simulator?.Dispose();
        _events?.Dispose();
    }

    /// <summary>Header of the packet event that was read, as the switch parses it.</summary>
    internal FlowKey KeyOfEvent()
    {
        _scratch ??= new PacketPool(1, _frameCapacityBytes);
        PacketRef packet = _scratch.RentRef(Event.Frame, Event.Port);
        packet.LimitTags(Simulator.Datapath.Options.VlanLimit);
        packet.Extract();
        FlowKey key = packet.WholeKey();
        _scratch.Return(packet);
        return key;
    }

    private void ApplyFlowMods()
    {
        // All lines are parsed before the first one is applied: an event takes effect whole or not at all.
        List<FlowMod> mods = [];
        List<int> elements = [];
        for (int i = 0; i < Event.Lines.Count; i++)
        {
            string line = Event.Lines[i];
            ControlText.OfEvent(_events.Name, Event.LineNumber, [i]).Run(() => mods.AddRange(_parser.ParseFlows(line)));
            while (elements.Count < mods.Count) elements.Add(i);
        }
        ControlText.OfEvent(_events.Name, Event.LineNumber, elements).Run(() => Note(Simulator.ApplyFlowMods(mods, purge: true)));
    }

    private void ApplyGroupMod()
    {
        ControlText.OfEvent(_events.Name, Event.LineNumber, []).Run(() => Note(Simulator.ApplyGroupMod(_parser.ParseGroup(Event.Lines[0]), purge: true)));
    }

    private void ApplyMeterMods()
    {
        List<MeterMod> mods = [];
        List<int> elements = [];
        for (int i = 0; i < Event.Lines.Count; i++)
        {
            string line = Event.Lines[i];
            ControlText.OfEvent(_events.Name, Event.LineNumber, [i]).Run(() => mods.AddRange(FlowTextParser.ParseMeters(line)));
            while (elements.Count < mods.Count) elements.Add(i);
        }

        for (int i = 0; i < mods.Count; i++) ControlText.OfEvent(_events.Name, Event.LineNumber, elements).Run(() => Note(Simulator.ApplyMeterMod(mods[i], purge: true)), i);
    }

    private void ApplyLimits()
    {
        List<ZoneLimitText> limits = [];
        foreach (string line in Event.Lines)
        {
            if (!ZoneLimitText.TryParse(line, isDeletion: Event.Op == ReplayOp.CtDelLimits, limits)) Fail($"{CliJson.Quote(line)}: expected {ZoneLimitText.Expected(Event.Op == ReplayOp.CtDelLimits)}");
        }
        foreach (ZoneLimitText limit in limits) Simulator.SetConntrackLimit(limit.Zone, limit.Limit);
    }

    /// <summary>Says where the device has not confirmed a change. The change holds: software forwards everything until the device answers.</summary>
    private void Note(Acknowledgement acknowledgement)
    {
        if (acknowledgement == Acknowledgement.DeviceSuspended) _warn?.Invoke($"{_events.Name} line {Event.LineNumber}: the device does not confirm the change; it is out of the path until it does");
    }

    private void Fail(string what) => CommandFailedException.ThrowBadInput(_events.Name, Event.LineNumber, what);

    /// <summary>Whoever repeats a release's faults repeats its recordings.</summary>
    private static bool IsAsRecorded(ReplayArguments arguments) => arguments.Quirks != Quirks.None;

    private static SimulatorOptions SwitchOptions(ReplayArguments arguments, int frameCapacityBytes) => new()
    {
        Ports = arguments.Ports,
        Option = arguments.Config.Option,
        Tunnels = TunnelList.Parse(arguments.Config.Tunnels, arguments.Ports),
        Offload = arguments.Offload,
        NicProfile = arguments.NicProfile,
        NicFaults = arguments.Faults,
        OffloadThread = new OffloadOptions { Admission = arguments.Admission ?? new AdmitAll() },
        CacheOn = arguments.CacheOn,
        BatchSize = arguments.BatchSize,
        PmdCount = arguments.PmdCount,
        HandlerCount = arguments.HandlerCount,
        RssSeed = arguments.Seed,
        RssIsSymmetric = arguments.RssIsSymmetric,
        Seed = arguments.Seed == 0 ? SeedForZero : arguments.Seed,
        VlanLimit = arguments.Config.VlanLimit,
        MtuBytes = arguments.Config.MtuBytes,

        // No NIC checks TCP sequence numbers; a switch that did for the packets which reach software would depend on what is offloaded.
        TcpSeqChk = arguments.Config.TcpSeqChk && arguments.Offload != OffloadMode.Nic,
        ConnectionCapacity = arguments.Config.MaxConnections,
        MegaflowCapacity = arguments.Config.FlowLimit,
        MergedCapacity = arguments.Config.MergedRules,
        IpfMinFragV4Bytes = arguments.Config.IpfMinFragV4Bytes,
        IpfMinFragV6Bytes = arguments.Config.IpfMinFragV6Bytes,
        FrameCapacityBytes = frameCapacityBytes,

        Quirks = arguments.Quirks!,

        // As the cases were recorded; what is left of the revalidators' rhythm is in Synchronize. Each time/warp woke the connection tracker's cleaner.
        MaxIdleMs = IsAsRecorded(arguments) ? RecordedIntervalMs : s_shipped.MaxIdleMs,
        MaxRevalidatorMs = IsAsRecorded(arguments) ? RecordedIntervalMs : s_shipped.MaxRevalidatorMs,
        ConntrackSweepMs = IsAsRecorded(arguments) ? 1 : s_shipped.ConntrackSweepMs,
    };

    private static (IEventSource Events, int FrameCapacityBytes) OpenEvents(ReplayArguments arguments)
    {
        if (CaptureEventSource.IsCapture(arguments.InputPath, out Stream? rest, arguments.Spool))
        {
            List<CaptureReader> captures = [CaptureEventSource.Open(arguments.InputPath, rest)];
            rest?.Dispose();
            foreach (string path in arguments.MoreInputs)
            {
                if (!CaptureEventSource.IsCapture(path, out Stream? more, arguments.Spool)) CommandFailedException.ThrowUsage($"--in: {path} is no capture, and only captures can be replayed together");
                captures.Add(CaptureEventSource.Open(path, more));
                more?.Dispose();
            }

            CaptureEventSource events = new(captures, new CapturePorts([.. arguments.Ports.Select(static p => p.Number)], arguments.CapturePorts), arguments.FixChecksums);
            foreach (string note in events.Notes) arguments.Warn?.Invoke(note);
            if (arguments.Ports.Count > 1 && !arguments.CapturePorts.Any(static p => p is not null)) arguments.Note?.Invoke(events.Arrival);
            return (events, Math.Clamp(events.LongestFrameBytes, FrameCapacityBytes, LargestFrameBytes));
        }

        if (arguments.MoreInputs.Count > 0) CommandFailedException.ThrowUsage("--in: several inputs have to be captures");
        if (arguments.CapturePorts.Count > 0) CommandFailedException.ThrowUsage("--port: the events name their ports; it is for captures");
        HashSet<uint> ports = [.. arguments.Ports.Select(p => p.Number)];
        LineReader lines = new(rest ?? InputFile.Open(arguments.InputPath), arguments.InputPath == "-" ? "standard input" : Path.GetFileName(arguments.InputPath));
        return (new JsonEventSource(lines, ports), arguments.Config.FrameBytes);
    }

    private static (ControlText Text, IReadOnlyList<T> Parsed) Parse<T>(string path, InputSpool? spool, Func<string, IReadOnlyList<T>> parse)
    {
        string text = InputFile.ReadText(path, spool);
        ControlText control = ControlText.OfFile(path, text);
        IReadOnlyList<T> parsed = [];
        control.Run(() => parsed = parse(text));
        return (control, parsed);
    }
}
