using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Pmd;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Upcall;
using Mergeflow.Engine.Xlate;
using Mergeflow.Native;
using Mergeflow.Nic;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// One datapath: one or more bridges with their OpenFlow tables, connection tracker, packet threads with their megaflows, and the offload side if there is one (OVS <c>struct dp_netdev</c>).
/// Runtimes (<see cref="Simulator"/>, <see cref="ThreadedRuntime"/>) drive its pollers; control operations are for the thread that drives the packet threads, or for any while a
/// <see cref="ThreadedSwitch"/> does.
/// </summary>
public sealed partial class Datapath : IDisposable
{
    private const uint HashStream = 0;
    private const uint KernelStream = 1;
    private const uint FirstPmdStream = 16;

    private static int s_lastTelemetryId;
    private readonly PmdContext[] _pmds;
    private readonly ulong _hashKey;
    private bool _disposed;

    /// <summary>Builds a datapath; nothing runs yet.</summary>
    /// <param name="options">Sizes and features.</param>
    /// <param name="sink">Where transmitted packets go; null = counted and dropped.</param>
    /// <exception cref="NicConfigException">The NIC profile cannot be read.</exception>
    public Datapath(DatapathOptions options, IPacketSink? sink)
        : this(options, _ => sink)
    {
    }

    /// <summary>Builds a datapath; nothing runs yet.</summary>
    /// <param name="options">Sizes and features.</param>
    /// <param name="sinks">Where the packets go that a packet thread transmits, by the index of the thread; null = counted and dropped.</param>
    /// <exception cref="NicConfigException">The NIC profile cannot be read.</exception>
    public Datapath(DatapathOptions options, Func<int, IPacketSink?> sinks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.PmdCount, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.PmdCount, ConnTracker.MaxThreads, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.HandlerCount, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.HandlerCount, ConnTracker.MaxThreads, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MegaflowCapacity, MegaflowId.MaxSlots, nameof(options));
        Options = options;
        Recirc = new RecircStore(options.Quirks.RenewsIdleIds);
        Queues = new QueueAssignment(options.Ports.Select(static p => p.Number), options.QueuesPerPort == 0 ? options.PmdCount : options.QueuesPerPort, options.PmdCount, options.QueuePins);
        Seed seed = Seed.Of(options.Seed);
        _hashKey = seed.Stream(HashStream);
        _bridges = [Main = NewBridge("", [.. options.Ports.Select(p => new PipelinePort(p.Name, p.Number) { Tunnel = options.Tunnels.FirstOrDefault(t => t.Number == p.Number) })], null)];
        Conntrack = new ConnTracker(new ConntrackOptions
        {
            CapacityConnections = options.ConnectionCapacity,
            ThreadCount = options.PmdCount,
            TcpSeqChk = options.TcpSeqChk,
            IpfMinV4 = options.IpfMinFragV4Bytes,
            IpfMinV6 = options.IpfMinFragV6Bytes,
            MaxFragments = options.FragmentCapacity,
            FragmentCapacity = options.FragmentRoom,
            Seed = seed.Value,
            SweepMs = options.ConntrackSweepMs,
            GuardPages = options.GuardPages,
            Quirks = options.Quirks,
        })
        { Clock = Clock };
        IOffloadProvider? provider = CreateProvider(options);
        _pmds = new PmdContext[options.PmdCount];
        for (int i = 0; i < _pmds.Length; i++)
        {
            _pmds[i] = new PmdContext(i, this, (provider as SoftOffloadProvider)?.Tables[i], sinks(i), (seed.Stream(FirstPmdStream + (uint)i), seed.Stream(HashStream)));
        }

        Pipeline.SetOption(options.Option);
        _continuations = new Continuations(Recirc);
        if (options.PacketInBytes > 0) Recirc.RoundsTaken = new PacketInRounds([.. _pmds.Select(static p => p.PacketIns!)]).Look;
        Revalidator = new Revalidator(Pipeline, Recirc, [.. _pmds.Select(static p => p.Revalidator)], work => OnEach(p => work(p.Revalidator))) { Clock = Clock };
        if (provider is not null)
        {
            Offload = OffloadOf(provider);
            Aging = new AgingThread(Offload);
            if (_pmds.Length > 1) Conntrack.Observer = Offload.ControlEvents;
            foreach (PmdContext pmd in _pmds) pmd.Upcall.Observer = Offload;
            Revalidator.ReadDevice = Offload.Credit;
        }

        DatapathMetrics.Add(this);
    }

    public DatapathOptions Options { get; }

    /// <summary>
    /// Times that callers give are taken by this clock: control operations here, batches, and the steps of pollers. Who tells a <see cref="NicFrontEnd"/> the time
    /// of a clock that can be set back, takes it from here.
    /// </summary>
    public SteadyClock Clock { get; } = new();

    /// <summary>Tells this datapath from the others of the process in events and metrics; 1 is the first.</summary>
    public int TelemetryId { get; } = Interlocked.Increment(ref s_lastTelemetryId);

    /// <summary>Frozen translations by recirculation id.</summary>
    public RecircStore Recirc { get; }

    /// <summary>Its first bridge: the only one, unless others have come by <see cref="AddBridge"/>.</summary>
    public DatapathBridge Main { get; }

    /// <summary>Tables of the first bridge.</summary>
    public OfPipeline Pipeline => Main.Pipeline;

    public ConnTracker Conntrack { get; }

    /// <summary>What happens to ports of the first bridge.</summary>
    public DatapathPorts Ports => Main.Ports;

    /// <summary>Which packet thread polls which receive queue.</summary>
    public QueueAssignment Queues { get; }

    /// <summary>The packet threads.</summary>
    public IReadOnlyList<PmdContext> Pmds => _pmds;

    /// <summary>The first packet thread's megaflows: all there are, unless there are several.</summary>
    public MegaflowTable Megaflows => _pmds[0].Megaflows;

    /// <summary>Living megaflows of all packet threads.</summary>
    public int MegaflowCount => _pmds.Sum(static p => p.Megaflows.Count);

    /// <summary>Copies the living megaflows, packet thread by packet thread: the same flow may stand there once for each.</summary>
    public IReadOnlyList<MegaflowInfo> DumpMegaflows(long nowMs)
    {
        using ControlScope control = new(this);
        List<MegaflowInfo> megaflows = [];
        foreach (PmdContext pmd in _pmds)
        {
            for (int from = 0, next; ; from = next)
            {
                int at = from;
                next = OnOwner(pmd, () => MegaflowInfo.Snapshot(pmd.Megaflows, nowMs, pmd.Index, at, MegaflowsPerCall, megaflows));
                if (next == 0) break;
            }
        }

        return megaflows;
    }

    /// <summary>Meters by the slots that <see cref="OfPipeline.Meters"/> names.</summary>
    public MeterTable Meters { get; } = new();

    /// <summary>The first packet thread: the only one, unless options say otherwise.</summary>
    public PmdThread Pmd => _pmds[0].Thread;

    /// <summary>What all packet threads have counted.</summary>
    public PmdStats Stats => _pmds.Aggregate(default(PmdStats), static (sum, p) => sum.Plus(p.Thread.Stats));

    public Revalidator Revalidator { get; }

    /// <summary>The device of <see cref="OffloadMode.Nic"/>; null otherwise.</summary>
    public EmulatedNic? Nic { get; private set; }

    /// <summary>The device of <see cref="OffloadMode.Kernel"/>; null otherwise.</summary>
    public KernelNic? Kernel { get; private set; }

    /// <summary>Checks what the kernel forwards; null unless rules are there and somebody runs it.</summary>
    public ShadowCheck? Shadow { get; internal set; }

    /// <summary>Merges, installs, revokes; null without offload.</summary>
    public OffloadThread? Offload { get; }

    /// <summary>Polls hardware counters; null without offload.</summary>
    public AgingThread? Aging { get; }

    /// <summary>Packets and bytes transmitted on a port so far, by all packet threads and by a device.</summary>
    public BookTotals CountersOf(uint port) => _pmds.Aggregate(default(BookTotals), (sum, p) => sum + p.Ports.CountersOf(port));

    /// <summary>Reclamation of what packet threads own and the offload thread reads: megaflows and their programs.</summary>
    public QuiescentState Quiescent { get; } = new();

    /// <summary>Reclamation of what the offload thread owns and packet threads read: merged rules.</summary>
    public QuiescentState PmdQuiescent { get; } = new();

    /// <inheritdoc cref="DatapathBridge.ApplyFlowMods"/>
    public Acknowledgement ApplyFlowMods(IReadOnlyList<FlowMod> mods, long nowMs, bool purge = false) => Main.ApplyFlowMods(mods, nowMs, purge);

    /// <inheritdoc cref="DatapathBridge.ApplyEach"/>
    public Acknowledgement ApplyEach(IReadOnlyList<FlowMod> mods, long nowMs, List<FlowModException> refused) => Main.ApplyEach(mods, nowMs, refused);

    /// <inheritdoc cref="DatapathBridge.ApplyChanges"/>
    public Acknowledgement ApplyChanges(IReadOnlyList<object> changes, long nowMs) => Main.ApplyChanges(changes, nowMs);

    /// <inheritdoc cref="DatapathBridge.ApplyGroupMod"/>
    public Acknowledgement ApplyGroupMod(GroupMod mod, long nowMs, bool purge = false) => Main.ApplyGroupMod(mod, nowMs, purge);

    /// <inheritdoc cref="DatapathBridge.ApplyMeterMod"/>
    public Acknowledgement ApplyMeterMod(MeterMod mod, long nowMs, bool purge = false) => Main.ApplyMeterMod(mod, nowMs, purge);

    /// <inheritdoc cref="DatapathBridge.ApplyMeterMods"/>
    public Acknowledgement ApplyMeterMods(IReadOnlyList<MeterMod> mods, long nowMs, bool purge = false) => Main.ApplyMeterMods(mods, nowMs, purge);

    /// <inheritdoc cref="DatapathBridge.ForgetLearned"/>
    public void ForgetLearned(long nowMs) => Main.ForgetLearned(nowMs);

    /// <inheritdoc cref="DatapathBridge.SetOption"/>
    public Acknowledgement SetOption(GeneveOption option, long nowMs) => Main.SetOption(option, nowMs);

    /// <inheritdoc cref="DatapathBridge.SetTreatment"/>
    public Acknowledgement SetTreatment(PacketTreatment treatment, long nowMs) => Main.SetTreatment(treatment, nowMs);

    /// <summary>
    /// Deletes every megaflow and every merged rule, their statistics pushed (OVS <c>revalidator/purge</c>). On return no packet goes by one that was there before, and no dump shows it. Beside
    /// packets megaflows are taken out in slices behind that, and push what they have counted then or when somebody settles.
    /// </summary>
    public Acknowledgement PurgeMegaflows(long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        if (IsSliced && Offload is null or { StandsAside: true })
        {
            Revalidator.Purge(nowMs);
            return Acknowledge(nowMs);
        }

        Offload?.Settle(nowMs);
        Revalidator.Purge(nowMs);
        EndDoubtsOfDevice(nowMs);
        Offload?.AcknowledgeRemoval(nowMs);
        Revalidator.Settle(nowMs);
        return Acknowledge(nowMs);
    }

    /// <summary>The same for one packet thread, which does not run: its megaflows are gone on return, and what they have counted is reported.</summary>
    internal void PurgeMegaflowsOf(int pmd, long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        MegaflowRevalidator revalidator = _pmds[pmd].Revalidator;
        Offload?.Settle(nowMs);
        Call(pmd, () => revalidator.Purge(nowMs));
        Call(pmd, () => revalidator.EndDoubts(nowMs));
        Offload?.AcknowledgeRemoval(nowMs);
        Call(pmd, () => revalidator.PushAll(nowMs));
        Acknowledge(nowMs);
    }

    /// <summary>Pushes everything that is counted anywhere to where it is reported.</summary>
    public void Settle(long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        Offload?.Settle(nowMs);
        if (Revalidator.Settle(nowMs)) Offload?.AcknowledgeRemoval(nowMs);
    }

    /// <summary>What happens when a clock moves that moves in leaps: all connections, megaflows, rules and learned addresses whose time is up are gone on return.</summary>
    public void Expire(long nowMs)
    {
        using ControlScope control = new(this);
        nowMs = Clock.Of(nowMs);
        // What hardware has forwarded keeps a connection alive: it is read first, should it not have been readable before.
        Offload?.Settle(nowMs);
        Conntrack.ExpireAll(nowMs);
        Revalidator.ExpireAll(nowMs);
        EndDoubtsOfDevice(nowMs);
        Offload?.AcknowledgeRemoval(nowMs);
        foreach (PmdContext pmd in _pmds) pmd.Megaflows.Reclaim();
    }

    /// <summary>One in so many packets that are not in the exact-match caches gets an entry there (OVS <c>emc-insert-inv-prob</c>); 0 = none, null = each that a megaflow is found for. Any thread, from the next packets on.</summary>
    public void SetCacheInsertion(uint? oneIn)
    {
        foreach (PmdContext pmd in _pmds) pmd.Thread.SetCacheInsertion(oneIn);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        DatapathMetrics.Remove(this);
        Offload?.Dispose();
        Nic?.Dispose();
        Kernel?.Dispose();
        foreach (PmdContext pmd in _pmds) pmd.Dispose();
        Conntrack.Dispose();
        Meters.Dispose();
    }

    /// <summary>Makes megaflows agree with what <c>normal</c> has learned, if that is new.</summary>
    internal void RevalidateIfLearned(long nowMs)
    {
        if (!IsSliced && !Revalidator.IsBehind) return;
        Revalidator.RevalidateLearned(nowMs);
        EndDoubtsOfDevice(nowMs);
        Offload?.Acknowledge(nowMs);
    }

    /// <summary>Makes megaflows and merged rules agree with the tables again.</summary>
    internal Acknowledgement Reconcile(long nowMs, bool purge)
    {
        if (purge) return PurgeMegaflows(nowMs);
        Revalidator.RevalidateAll(nowMs);
        EndDoubtsOfDevice(nowMs);
        return Acknowledge(nowMs);
    }

    /// <summary>The same if anything has changed; null if not. Whoever has been asked has ended the batch that was under way.</summary>
    internal Acknowledgement? CatchUp(long nowMs)
    {
        if (!Revalidator.CatchUp(nowMs)) return null;
        EndDoubtsOfDevice(nowMs);
        return Acknowledge(nowMs);
    }

    /// <summary>A device whose rules do not stand aside goes on using them until they are known to be wrong.</summary>
    private void EndDoubtsOfDevice(long nowMs)
    {
        if (Offload is { StandsAside: false }) Revalidator.EndDoubts(nowMs);
    }

    internal Acknowledgement Acknowledge(long nowMs) => Offload?.Acknowledge(nowMs) ?? Acknowledgement.Done;

    private OffloadThread OffloadOf(IOffloadProvider provider)
    {
        OffloadParts parts = Options.OffloadThread.Parts;
        PmdOffload[] ends = [.. _pmds.Select(static p => p.Offload!)];
        IConnLedger conns = parts.Connections(Conntrack.Offload);
        if (_pmds.Length == 1)
        {
            return new OffloadThread(ends, Megaflows, parts.Megaflows(Megaflows), conns, parts.Provider(provider), Options.OffloadThread) { TelemetryId = TelemetryId, Clock = Clock };
        }

        var tables = new MegaflowTables([.. _pmds.Select(static p => p.Megaflows)]);
        return new OffloadThread(ends, tables, parts.Megaflows(tables), conns, parts.Provider(provider), Options.OffloadThread) { TelemetryId = TelemetryId, Clock = Clock };
    }

    private IOffloadProvider? CreateProvider(DatapathOptions options)
    {
        if (options.Offload == OffloadMode.None) return null;
        if (options.Offload == OffloadMode.Soft) return new SoftOffloadProvider(options.MergedCapacity, options.MergedTemplates, PmdQuiescent, options.PmdCount);
        if (options.Offload == OffloadMode.Kernel)
        {
            Kernel = new KernelNic(NicProfile.Load("kernel"), options.KernelForm, Seed.Of(options.Seed).Stream(KernelStream)) { LoadsAside = true };
            if (options.ShadowOneIn > 0) Kernel.SetShadow(options.ShadowOneIn);
            return new NicOffloadProvider(Kernel) { OneTag = options.VlanLimit == 1, Name = "kernel" };
        }

        var device = new NicOptions { Faults = options.NicFaults };
        if (options.Seed != 0) device = device with { Seed = options.Seed };
        Nic = new EmulatedNic(NicProfile.Load(options.NicProfile ?? "ideal"), device);
        return new NicOffloadProvider(Nic) { OneTag = options.VlanLimit == 1 };
    }
}
