using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>
/// A datapath with a receive ring, and the loop that is measured: receive copy, parsing, lookup, actions, counters, transmit accounting; between
/// batches what a PMD does now and then (expiry, a slice of the revalidator). Belongs to the thread that made it.
/// </summary>
public sealed class PacketLoop : IDisposable
{
    /// <summary>The ring has frames of all ports: it is a queue of none of them.</summary>
    private const uint WirePort = 0;

    private const int StepsPerClock = 64;
    private const int ClocksPerHousekeeping = 8;
    private const int HousekeepingPerSecond = 20_000;

    private readonly BenchSettings _settings;
    private readonly CancellationToken _interrupted;
    private readonly Datapath _datapath;
    private readonly PmdContext _pmd;
    private readonly bool _isShared;
    private readonly CaptureRxQueue _rx;
    private readonly IPoller _poller;
    private readonly NicFrontEnd? _nic;
    private readonly NicFilteredRxQueue? _filtered;
    private readonly SwitchSide _side;
    private int _untilHousekeeping;
    private IReadOnlyList<ReasonCount> _reasonsBefore = [];

    /// <summary>Builds the datapath and loads frames and rules.</summary>
    /// <param name="workload">What to replay.</param>
    /// <param name="settings">How.</param>
    /// <param name="cpu">Processor that the calling thread is pinned to, or null.</param>
    /// <param name="interrupted">Ends the loop early.</param>
    /// <exception cref="FlowTextException">The rules cannot be parsed.</exception>
    public PacketLoop(Workload workload, BenchSettings settings, int? cpu, CancellationToken interrupted)
        : this(workload, settings, interrupted, new Datapath(DatapathFor(workload, settings), sink: null), pmd: 0, d => new SwitchSide(d, settings.OffloadThread ? cpu : null))
        => Rules.Load(_datapath, workload, Now);

    /// <summary>Loads frames for one packet thread of a datapath that others run, too, and that has its rules.</summary>
    /// <param name="workload">What to replay.</param>
    /// <param name="settings">How.</param>
    /// <param name="shared">The datapath; not owned.</param>
    /// <param name="pmd">Which of its packet threads.</param>
    /// <param name="side">The switch around this thread; owned.</param>
    /// <param name="interrupted">Ends the loop early.</param>
    internal PacketLoop(Workload workload, BenchSettings settings, Datapath shared, int pmd, SwitchSide side, CancellationToken interrupted)
        : this(workload, settings, interrupted, shared, pmd, _ => side)
    {
        _isShared = true;
        _pmd.Conntrack.KeepsConnections = true;
    }

    private PacketLoop(Workload workload, BenchSettings settings, CancellationToken interrupted, Datapath datapath, int pmd, Func<Datapath, SwitchSide> side)
    {
        _settings = settings;
        _interrupted = interrupted;
        _ = TscClock.FrequencyHz;
        _datapath = datapath;
        _pmd = datapath.Pmds[pmd];
        _rx = new CaptureRxQueue(
            [.. workload.Frames.Select(f => new ReadOnlyMemory<byte>(f))],
            workload.InPorts ?? [.. Enumerable.Repeat(1u, workload.Frames.Count)],
            settings.OneShot ? 1 : 0,
            settings.HardwareChecksums);
        _side = side(datapath);
        RxQueue polled = _side.Add(new RxQueueName(WirePort, pmd), _rx);
        (_filtered, _nic) = (polled as NicFilteredRxQueue, (polled as NicFilteredRxQueue)?.Nic);
        _poller = _side.Packets;
    }

    /// <summary>The datapath.</summary>
    public Datapath Datapath => _datapath;

    /// <summary>Merged rules installed so far: while the number grows, the rate has not settled.</summary>
    public ulong OffloadedRules => _datapath.Offload?.Stats.Installed ?? 0;

    /// <summary>Called between polls, every 64 of them; null = nothing to do there.</summary>
    internal Action? BetweenPolls { get; set; }

    /// <summary>Gives the ticks of a run, of its batches and of its stages, and ends it; null = the processor's own counter.</summary>
    public Func<ulong>? Clock { get; init; }

    private ulong Ticks => Clock is null ? TscClock.Now : Clock();

    private static long Now => Environment.TickCount64;

    /// <summary>Sizes for a workload.</summary>
    public static DatapathOptions DatapathFor(Workload workload, BenchSettings settings)
    {
        int longest = 64;
        foreach (byte[] f in workload.Frames) longest = Math.Max(longest, f.Length);
        foreach (byte[] f in workload.Setup) longest = Math.Max(longest, f.Length);
        return new DatapathOptions
        {
            Ports = [.. Enumerable.Range(1, workload.PortCount).Select(n => ($"p{n}", (uint)n))],
            PmdCount = settings.SharesDatapath ? settings.Pmds : 1,
            Offload = settings.Offload,
            NicProfile = settings.NicProfile,
            CacheOn = settings.CacheOn,
            TcpSeqChk = settings.Offload != OffloadMode.Nic,
            FrameCapacityBytes = Math.Max(1536, longest),
            ConnectionCapacity = settings.ConnectionCapacity,
            MegaflowCapacity = settings.FlowLimit,
            MergedCapacity = settings.MergedCapacity,
            SubtableLimit = settings.SubtableLimit == 0 ? int.MaxValue : settings.SubtableLimit,
        };
    }

    /// <summary>Frames once, through the whole datapath.</summary>
    public void Replay(IReadOnlyList<byte[]> frames)
    {
        if (frames.Count == 0) return;
        using var queue = new CaptureRxQueue([.. frames.Select(f => new ReadOnlyMemory<byte>(f))], [.. Enumerable.Repeat(1u, frames.Count)], 1, _settings.HardwareChecksums);
        using var poller = new PmdPoller(_pmd.Thread, [queue]);
        while (poller.Step(Now) > 0)
        {
            _side.Announce();
            Housekeep();
        }

        _pmd.Conntrack.LetGo();
    }

    /// <summary>The frames begin again, and what another thread has ended is cleared away.</summary>
    internal void Restart()
    {
        _rx.Restart();
        while (_pmd.Conntrack.Step(Now) > 0)
        {
            // A bounded part each time.
        }
    }

    /// <summary>Back to a datapath that has seen nothing; the frames begin again.</summary>
    public void Forget()
    {
        _datapath.PurgeMegaflows(Now);
        _datapath.FlushConntrack(null, Now);
        Restart();
    }

    /// <summary>Runs for a time, or until all frames have been received.</summary>
    public BenchRun Measure(double seconds) => Measure(seconds, null);

    /// <summary>As <see cref="Measure(double)"/>; the cycles from the end of each batch to that of the next go to <paramref name="batches"/>.</summary>
    public BenchRun MeasureBatches(double seconds, LatencyHistogram batches) => Measure(seconds, batches);

    private BenchRun Measure(double seconds, LatencyHistogram? batches)
    {
        PmdStats before = _pmd.Thread.Stats;
        ulong tx = Transmitted();
        ulong nicHits = _nic?.Stats.Hits ?? 0;
        ulong deviceCycles = _filtered?.DeviceCycles ?? 0;
        int collections = GC.CollectionCount(0);
        long? cpuBefore = ThreadTime.RunNs();
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long start = MonotonicClock.NowNs;
        ulong tsc = Ticks;
        if (batches is null) Loop(seconds, staged: null);
        else LoopTimed(seconds, batches);
        ulong cycles = Ticks - tsc;
        _pmd.Conntrack.LetGo();
        double tookNs = MonotonicClock.NowNs - start;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        double share = cpuBefore is long from && ThreadTime.RunNs() is long to ? Math.Min(1, (to - from) / tookNs) : 1;
        PmdStats stats = _pmd.Thread.Stats.Since(before);
        nicHits = (_nic?.Stats.Hits ?? 0) - nicHits;
        return new BenchRun
        {
            Packets = stats.Rx + nicHits,
            Cycles = cycles,
            Seconds = tookNs / 1e9,
            AllocatedBytes = allocated,
            Collections = GC.CollectionCount(0) - collections,
            Stats = stats,
            NicHits = nicHits,
            DeviceCycles = (_filtered?.DeviceCycles ?? 0) - deviceCycles,
            Transmitted = Transmitted() - tx,
            CpuShare = share,
        };
    }

    /// <summary>Offers packets at a rate for a time; latencies go to <paramref name="latency"/>, in cycles, if there is one.</summary>
    /// <param name="packetsPerSecond">Offered rate.</param>
    /// <param name="seconds">Time.</param>
    /// <param name="ringSize">Descriptors of the receive ring.</param>
    /// <param name="latency">Takes the latencies.</param>
    public RateTrial MeasureAt(double packetsPerSecond, double seconds, int ringSize, LatencyHistogram? latency)
    {
        var paced = new PacedRxQueue(_rx, ringSize);
        using var poller = new PmdPoller(_pmd.Thread, [paced]);
        long? cpuBefore = ThreadTime.RunNs();
        long start = MonotonicClock.NowNs;
        ulong end = TscClock.Now + (ulong)(seconds * TscClock.FrequencyHz);
        double cycles = TscClock.FrequencyHz / packetsPerSecond;
        ulong housekeeping = TscClock.Now;
        ulong period = (ulong)(TscClock.FrequencyHz / HousekeepingPerSecond);
        paced.Begin(packetsPerSecond);
        for (ulong done = 0; done < end;)
        {
            int n = poller.Step(Now);
            done = TscClock.Now;
            if (latency is not null)
            {
                for (int i = 0; i < n; i++) latency.Add(done - paced.FirstArrival - (ulong)(i * cycles));
            }

            _side.Announce();
            if (done - housekeeping < period) continue;
            housekeeping = done;
            _untilHousekeeping = 0;
            Housekeep();
        }

        double tookNs = MonotonicClock.NowNs - start;
        double share = cpuBefore is long from && ThreadTime.RunNs() is long to ? Math.Min(1, (to - from) / tookNs) : 1;
        return new RateTrial(packetsPerSecond, paced.Offered, paced.Dropped, share);
    }

    /// <summary>As <see cref="Measure"/>, with marks between the stages of the packet path.</summary>
    /// <returns>Cycles per packet of each stage that took any.</returns>
    public IReadOnlyList<StageCycles> MeasureStages(double seconds)
    {
        ulong packets = _pmd.Thread.Stats.Rx + (_nic?.Stats.Hits ?? 0);
        ulong device = _filtered?.DeviceCycles ?? 0;
        using var poller = new StagePoller(_pmd.Thread, _filtered as RxQueue ?? _rx, Clock);
        poller.Times.Start();
        Loop(seconds, poller);
        packets = _pmd.Thread.Stats.Rx + (_nic?.Stats.Hits ?? 0) - packets;
        if (packets == 0) return [];

        // One poll is like another: what was not marked packet by packet had its share of the packets.
        double coarsePackets = (double)packets * poller.Times.CoarsePolls / poller.Times.Polls;
        double devicePerPacket = (double)((_filtered?.DeviceCycles ?? 0) - device) / packets;
        double[] cycles = poller.Times.Cycles();
        var stages = new List<StageCycles>();
        foreach (PmdStage stage in Enum.GetValues<PmdStage>())
        {
            double perPacket = cycles[(int)stage] / coarsePackets;
            if (stage == PmdStage.Receive && devicePerPacket > 0)
            {
                stages.Add(new StageCycles("device", devicePerPacket));
                perPacket = Math.Max(0, perPacket - devicePerPacket);
            }

            if (perPacket > 0) stages.Add(new StageCycles(stage.ToString().ToLowerInvariant(), perPacket));
        }

        return stages;
    }

    /// <summary>Changes the tables; on return nothing contradicts them.</summary>
    internal void Apply(IReadOnlyList<FlowMod> mods) => _datapath.ApplyFlowMods(mods, Now);

    /// <summary>Deletes all megaflows, and with them all merged rules; connections stay.</summary>
    public void ForgetMegaflows() => _datapath.PurgeMegaflows(Now);

    /// <summary>Set-up and warm-up are over: why packets were not offloaded until now is no loss of the runs.</summary>
    public void BeginRuns() => _reasonsBefore = ReasonsSoFar();

    private IReadOnlyList<ReasonCount> ReasonsSoFar() => _datapath.Offload is { } offload ? ReasonCount.Of(offload.Report.RefusedTotals()) : [];

    /// <summary>Adds what the datapath knows.</summary>
    public BenchResult Describe(BenchResult result) => result with
    {
        Datapath = DatapathInfo.Of(_datapath.Options),
        Megaflows = _datapath.MegaflowCount,
        Connections = _datapath.Conntrack.Count,
        OffloadedRules = OffloadedRules,
        Reasons = ReasonCount.Since(ReasonsSoFar(), _reasonsBefore),
        HugePages = _rx.HugePages,
        Nic = _datapath.Nic is { } nic
            ? new NicOccupancy(nic.ExactMatchCount, nic.Profile.ExactMatchEntries, nic.TemplateCount, nic.Profile.ExactMatchTemplates, nic.WildcardCount, nic.Profile.WildcardRows)
            : null,
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        _side.Dispose();
        _rx.Dispose();
        if (!_isShared) _datapath.Dispose();
    }

    private ulong Transmitted()
    {
        ulong sum = 0;
        for (uint port = 1; port <= _datapath.Options.Ports.Count; port++) sum += _pmd.Ports.TxPacketsOf(port);
        return sum;
    }

    private void Loop(double seconds, StagePoller? staged)
    {
        double budget = Math.Min(seconds * TscClock.FrequencyHz, ulong.MaxValue / 4.0);
        ulong end = Ticks + (ulong)budget;
        do
        {
            long now = Now;
            for (int i = 0; i < StepsPerClock; i++)
            {
                // Nothing received: the frames are through, or every packet is held as a fragment until its time is up.
                if ((staged is null ? _poller.Step(now) : staged.Step(now)) == 0 && _rx.Finished) return;
            }

            _side.Announce();
            BetweenPolls?.Invoke();
            Housekeep();
        }
        while (Ticks < end);
    }

    private void LoopTimed(double seconds, LatencyHistogram batches)
    {
        ulong last = Ticks;
        ulong end = last + (ulong)(seconds * TscClock.FrequencyHz);
        do
        {
            long now = Now;
            for (int i = 0; i < StepsPerClock; i++)
            {
                int received = _poller.Step(now);
                ulong done = Ticks;
                if (received > 0) batches.Add(done - last);
                last = done;
            }

            _side.Announce();
            Housekeep();
        }
        while (last < end);
    }

    private void Housekeep()
    {
        if (--_untilHousekeeping > 0) return;
        _untilHousekeeping = ClocksPerHousekeeping;
        _interrupted.ThrowIfCancellationRequested();
        long now = Now;
        _side.Step(now);
    }
}
