using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Pmd;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Upcall;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// What one packet thread of a datapath has for itself (OVS <c>struct dp_netdev_pmd_thread</c>): packet memory, caches, megaflows, its part of connection
/// tracking, the end at which the offload takes its traces. Its thread alone writes it.
/// </summary>
public sealed class PmdContext : IDisposable
{
    private const int MegaflowsPerStep = 4096;

    private readonly ParkedUpcalls? _parked;
    private long _upkeepNs;

    /// <summary>Builds the parts of thread <paramref name="index"/>.</summary>
    internal PmdContext(int index, Datapath datapath, MergedFlowTable? merged, IPacketSink? sink, (ulong Random, ulong Hash) seeds)
    {
        DatapathOptions options = datapath.Options;
        Index = index;
        HashKey = seeds.Hash;
        Clock = datapath.Clock;
        Megaflows = new MegaflowTable(options.MegaflowCapacity, datapath.Quiescent);
        Upcall = new UpcallHandler(datapath.Pipeline, datapath.Recirc, Megaflows)
        {
            Pmd = index,
            TelemetryId = datapath.TelemetryId,
            PinsVlans = options.Quirks.PinsVlans,
            SubtableLimit = options.Quirks.UnboundedSubtables ? int.MaxValue : options.SubtableLimit,
        };
        Revalidator = new MegaflowRevalidator(datapath.Pipeline, datapath.Recirc, Upcall, new RevalidatorOptions(options.MaxIdleMs, options.MaxRevalidatorMs, options.Quirks))
        {
            TelemetryId = datapath.TelemetryId,
        };
        if (options.Offload != OffloadMode.None)
        {
            Offload = new PmdOffload(merged, new RecordingFilter(Math.Max(options.RecordAfterPackets, options.OffloadThread.Admission.RecordAfterPackets))) { Index = index, TakesTunnels = options.Offload == OffloadMode.Kernel };
        }

        if (options.PacketInBytes > 0) PacketIns = new PacketInRing(options.PacketInBytes);
        UpcallChannels = [.. Enumerable.Range(0, options.HandlerCount).Select(static _ => ParkedUpcalls.NewChannel())];
        if (UpcallChannels.Length > 0) _parked = new ParkedUpcalls(UpcallChannels, options.PacketCapacity / 4);
        Conntrack = datapath.Conntrack.ForThread(index);
        Conntrack.Observer = Offload;
        Thread = new PmdThread(
            new PmdOptions
            {
                Offload = Offload,
                Parked = _parked,
                Clock = datapath.Clock,
                Pool = new PacketPool(options.PacketCapacity, options.FrameCapacityBytes, options.GuardPages, options.LargeFrameCapacity),
                CacheOn = options.CacheOn,
                EmcEntryCount = options.EmcEntryCount,
                OneTag = options.VlanLimit == 1,
                Meters = datapath.Meters,
                RandomSeed = seeds.Random,
                HashKey = seeds.Hash,
                PacketIns = PacketIns,
            },
            Upcall,
            Conntrack,
            sink)
        { TelemetryId = datapath.TelemetryId };
        unsafe
        {
            Conntrack.DroppedFragment = DropFragment;
        }

        Calls = new PmdCalls(Conntrack.LetGo) { Busy = () => Thread.Stats.Batches };

        foreach ((_, uint number) in options.Ports) Ports.SetExists(number, true);
    }

    /// <summary>Which of the datapath's packet threads it is, from 0 on.</summary>
    public int Index { get; }

    /// <summary>See <see cref="PmdOptions.HashKey"/>.</summary>
    internal ulong HashKey { get; }

    /// <summary>Packets that it has for control; null = they are only counted.</summary>
    internal PacketInRing? PacketIns { get; }

    /// <summary>What packets go through.</summary>
    public PmdThread Thread { get; }

    /// <summary>Packet memory.</summary>
    public PacketPool Pool => Thread.Pool;

    /// <summary>Which ports there are, and what this thread has counted on them.</summary>
    public PortTable Ports => Thread.Ports;

    /// <summary>Its megaflows, by slots: see <see cref="MegaflowId"/>.</summary>
    public MegaflowTable Megaflows { get; }

    /// <summary>Masks among them. Any thread.</summary>
    public int SubtableCount => Upcall.Classifier.SubtableCount;

    /// <summary>Keeps them true.</summary>
    public MegaflowRevalidator Revalidator { get; }

    /// <summary>Where its packets are tracked.</summary>
    public ConnThread Conntrack { get; }

    /// <summary>Where its traces go and its merged rules come from; null without offload.</summary>
    public PmdOffload? Offload { get; }

    /// <summary>
    /// What a packet thread does now and then beside packets, for itself and by itself: a bounded part of the connections and megaflows whose time is up. What is due for the datapath as a
    /// whole is not among it.
    /// </summary>
    public int ExpireSome(long nowMs)
    {
        nowMs = Clock.Of(nowMs);
        return Conntrack.Step(nowMs) + StepMegaflows(nowMs);
    }

    /// <summary>Time that it has spent on that until now, ns, and on what changes of the tables mean for its megaflows. Any thread.</summary>
    public long UpkeepNs => Volatile.Read(ref _upkeepNs);

    /// <summary>By its thread.</summary>
    internal void AddUpkeep(long ns) => Volatile.Write(ref _upkeepNs, _upkeepNs + ns);

    /// <summary>The part of it that is about megaflows.</summary>
    internal int StepMegaflows(long nowMs) => Revalidator.Step(Clock.Of(nowMs), MegaflowsPerStep, out _);

    /// <summary>What control has it do.</summary>
    public PmdCalls Calls { get; }

    /// <summary>What its times are taken by.</summary>
    private SteadyClock Clock { get; }

    internal UpcallHandler Upcall { get; }

    /// <summary>To each handler thread.</summary>
    internal UpcallChannel<UpcallRequest>[] UpcallChannels { get; }

    /// <summary>Packets that it has in its memory, between two batches.</summary>
    public ulong Held => (ulong)(Pool.InUse + Pool.LargeInUse);

    private unsafe void DropFragment(Packet* packet)
    {
        Thread.Stats.FragmentsDropped++;
        Pool.Return(packet);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Calls.Dispose();
        PacketIns?.Dispose();
        Thread.Dispose();
        Pool.Dispose();
        _parked?.Dispose();
        Upcall.Dispose();
        Megaflows.Dispose();
    }
}
