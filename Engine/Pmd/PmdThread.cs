using System.Numerics;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Engine.Upcall;
using Mergeflow.Native;

namespace Mergeflow.Engine.Pmd;

/// <summary>
/// One poll-mode driver thread's datapath state (OVS <c>struct dp_netdev_pmd_thread</c>). A batch goes through
/// <c>ProcessBatch</c> (this file) -> lookup (<c>.Lookup</c>) -> execution in arrival order (<c>.Execute</c>; fragments that conntrack
/// releases together: <c>.Released</c>), recording a trace on the way (<c>.Trace</c>).
/// </summary>
/// <remarks>
/// Everything that has an effect happens in arrival order, packet by packet, recirculations included (depth first): a batch of 32
/// gives the same packets, counters and connections as 32 batches of one. What runs ahead over the whole batch — parsing, hashing,
/// prefetching, probing — only reads.
/// </remarks>
public sealed unsafe partial class PmdThread : IDisposable
{
    /// <summary>Most packets per batch (OVS <c>NETDEV_MAX_BURST</c>).</summary>
    public const int MaxBatch = 32;

    /// <summary>Most recirculations of one packet (OVS <c>MAX_RECIRC_DEPTH</c>); deeper ones are dropped and counted.</summary>
    public const int MaxRecircDepth = 6;

    private readonly BatchScratch* _scratch;
    private readonly ExactMatchCache? _emc;
    private readonly UpcallHandler _upcall;
    private readonly ConnTracker _conntrack;
    private readonly MeterTable _meters;
    private readonly IPacketSink? _sink;
    private readonly SteadyClock _clock;
    private readonly ulong _hashKey;

    /// <summary>See <see cref="RevocationGates.Closings"/>; null without a soft device.</summary>
    private readonly int* _gates;
    private readonly bool _oneTag;
    private FlowKey _union;
    private uint _unionLanes;
    private uint _unionVersion;
    private uint _turnsSeen;
    private long _nowMs;

    /// <summary>Conntrack hash of the packet as it came in, for its first ct action; 0 = not known.</summary>
    private ulong _ctHash;

    /// <summary>Counters.</summary>
    public PmdStats Stats;

    public PmdThread(PmdOptions options, UpcallHandler upcall, ConnTracker conntrack, IPacketSink? sink)
    {
        Pool = options.Pool;
        Megaflows = upcall.Megaflows;
        Classifier = upcall.Classifier;
        _upcall = upcall;
        _conntrack = conntrack;
        _sink = sink;
        _meters = options.Meters;
        ArgumentOutOfRangeException.ThrowIfZero(options.RandomSeed, nameof(options));
        _random = options.RandomSeed;
        _hashKey = options.HashKey;
        Offload = options.Offload;
        _clock = options.Clock;
        if (Offload?.Table is { } table) _gates = table.Gates.Closings;
        _oneTag = options.OneTag;
        if (options.CacheOn) _emc = new ExactMatchCache(options.EmcEntryCount);
        _scratch = (BatchScratch*)NativeMemory.AlignedAlloc((nuint)sizeof(BatchScratch), 64);
        *_scratch = default;
    }

    /// <summary>Packet memory.</summary>
    public PacketPool Pool { get; }

    /// <summary>Ports and their counters.</summary>
    public PortTable Ports { get; } = new();

    public MegaflowTable Megaflows { get; }

    public Dpcls Classifier { get; }

    /// <summary>Where traces go and merged rules come from; null without offload.</summary>
    public PmdOffload? Offload { get; }

    /// <summary>Number of the datapath in events and metrics.</summary>
    internal int TelemetryId { get; init; }

    /// <summary>
    /// Takes over <paramref name="count"/> packets (1..32) with in_port set and processes them to the end.
    /// </summary>
    public void ProcessBatch(Packet** packets, int count, long nowMs)
    {
        if (TelemetryFlags.Batches) ReportBatch(packets, count, nowMs);
        else Process<WithoutStages>(packets, count, nowMs);
    }

    private void Process<T>(Packet** packets, int count, long nowMs)
        where T : struct, IStageMarks
    {
        _nowMs = _clock.Of(nowMs);
        Stats.Batches++;
        Stats.Rx += (ulong)count;
        CountReceived(packets, count);
        Step<T>(PmdStage.Parse);
        if (_oneTag) MarkOneTag(packets, count);
        MiniflowExtractor.ExtractBatch(packets, count);
        uint all = uint.MaxValue >> (MaxBatch - count);
        if (Offload is not null) Step<T>(PmdStage.Merged);
        uint merged = ProbeMerged(packets, count);
        LookAhead<T>(packets, all & ~merged);
        if (T.IsOn) _stages!.Execute();
        if (Offload is null) RunBatch<T>(packets, count);
        else RunRecordedBatch<T>(packets, count, merged);
    }

    /// <summary>Without offload: nothing is recorded, and packets that are only forwarded take the short way.</summary>
    private void RunBatch<T>(Packet** packets, int count)
        where T : struct, IStageMarks
    {
        ulong forwarded = 0;
        ulong forwardedBytes = 0;
        Fine<T>(PmdStage.Transmit);
        for (int i = 0; i < count; i++)
        {
            Packet* p = packets[i];
            int id = _scratch->MegaflowId[i];
            MegaflowHot* hot = Megaflows.HotOf(Math.Max(id, 0));
            PortTable.PortHot* port = Ports[hot->OutPort];
            if (id < 0 || hot->Shape != ProgramShape.OutputOnly || port->Exists == 0)
            {
                Fine<T>(PmdStage.Actions);
                ProcessOne<T>(p, i);
                Fine<T>(PmdStage.Transmit);
                continue;
            }

            ulong bytes = (uint)p->LengthBytes;
            hot->Packets++;
            hot->Bytes += bytes;
            hot->LastUsedMs = _nowMs;
            hot->TcpFlags |= p->Key.TcpFlags.Raw;
            port->TxPackets++;
            port->TxBytes += bytes;
            forwarded++;
            forwardedBytes += bytes;
            _sink?.Transmit(p, hot->OutPort, (int)bytes);
            Pool.Return(p);
        }

        Stats.EmcHits += (ulong)BitOperations.PopCount(_scratch->Cached);
        Stats.Passes += forwarded;
        Stats.Tx += forwarded;
        Stats.TxBytes += forwardedBytes;
    }

    private void RunRecordedBatch<T>(Packet** packets, int count, uint merged)
        where T : struct, IStageMarks
    {
        MergedTotals totals = default;
        for (int i = 0; i < count; i++)
        {
            Packet* p = packets[i];
            if ((merged >> i & 1) != 0)
            {
                Fine<T>(PmdStage.Merged);
                if (TryMerged<T>(p, _scratch->Merged(i), ref totals)) continue;
                Stats.MergedRefused++;
                _scratch->MegaflowId[i] = -1;
            }

            Fine<T>(PmdStage.Record);
            BeginTrace(p);
            Fine<T>(PmdStage.Actions);
            ProcessOne<T>(p, i);
            Fine<T>(PmdStage.Record);
            EndTrace();
        }

        Stats.EmcHits += (ulong)BitOperations.PopCount(_scratch->Cached);
        Stats.MergedHits += totals.Hits;
        Stats.Tx += totals.Forwarded;
        Stats.TxBytes += totals.ForwardedBytes;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_scratch);
        _emc?.Dispose();
        Ports.Dispose();
    }

    private void CountReceived(Packet** packets, int count)
    {
        // Packets of one batch nearly always share their port: one update of the port's counters instead of one per packet.
        Be32 port = packets[0]->Key.InPort;
        ulong bytes = 0;
        ulong runBytes = 0;
        ulong runCount = 0;
        for (int i = 0; i < count; i++)
        {
            if (packets[i]->Key.InPort != port)
            {
                CountRun(port, runCount, runBytes);
                (port, runCount, runBytes) = (packets[i]->Key.InPort, 0, 0);
            }

            runCount++;
            runBytes += (uint)packets[i]->LengthBytes;
            bytes += (uint)packets[i]->LengthBytes;
        }

        CountRun(port, runCount, runBytes);
        Stats.RxBytes += bytes;
    }

    private static void MarkOneTag(Packet** packets, int count)
    {
        for (int i = 0; i < count; i++) packets[i]->Flags |= PacketFlags.OneTag;
    }

    private void CountRun(Be32 port, ulong packets, ulong bytes)
    {
        PortTable.PortHot* hot = Ports[port.Host];
        hot->RxPackets += packets;
        hot->RxBytes += bytes;
    }

    private void ProcessOne<T>(Packet* p, int i)
        where T : struct, IStageMarks
    {
        int id = _scratch->MegaflowId[i];
        _ctHash = (_scratch->Tracked >> i & 1) != 0 ? _scratch->Hash[i] : 0;
        RunPass<T>(p, id >= 0 ? Megaflows.HotOf(id) : null);
    }

    /// <summary>What the look-ahead stages found out about each packet of the batch.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct BatchScratch
    {
        public fixed ulong Hash[MaxBatch];
        public fixed int MegaflowId[MaxBatch];
        public fixed ulong MergedPointer[MaxBatch];

        /// <summary>Bit i: packet i's megaflow came from the exact-match cache.</summary>
        public uint Cached;

        /// <summary>Bit i: Hash[i] is packet i's conntrack hash for the ct action that its megaflow begins with.</summary>
        public uint Tracked;

        public MergedHot* Merged(int i) => (MergedHot*)MergedPointer[i];
    }
}
