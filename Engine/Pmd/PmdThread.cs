using System.Numerics;
using System.Runtime.InteropServices;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Engine.Upcall;
using Mergeflow.Engine.Xlate;
using Mergeflow.Native;

namespace Mergeflow.Engine.Pmd;

/// <summary>
/// One poll-mode driver thread's datapath state (OVS <c>struct dp_netdev_pmd_thread</c>). A batch goes through
/// <c>ProcessBatch</c> (this file) -> merged rules (<c>.Merged</c>) -> lookup (<c>.LookAhead</c>, <see cref="MegaflowLookup"/>) -> execution in arrival
/// order (<see cref="ActionExecutor"/>; <c>.Parked</c> where handler threads translate), recording a trace on the way.
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

    /// <summary>The same while megaflows are in doubt: each packet may have some translated again.</summary>
    private const int DoubtfulBatch = 8;

    private readonly BatchScratch* _scratch;
    private bool _disposed;
    private readonly MegaflowLookup _lookup;
    private readonly ActionExecutor _run;
    private readonly MegaflowTable _megaflows;
    private readonly IPacketSink? _sink;
    private readonly ConnThread _conntrack;
    private readonly SteadyClock _clock;

    /// <summary>See <see cref="RevocationGates.Closings"/>; null without a soft device.</summary>
    private readonly int* _gates;
    private readonly bool _oneTag;
    private long _nowMs;

    public PmdThread(PmdOptions options, UpcallHandler upcall, ConnThread conntrack, IPacketSink? sink)
    {
        Pool = options.Pool;
        Offload = options.Offload;
        _lookup = new MegaflowLookup(options, upcall.Megaflows, upcall.Classifier);
        _run = new ActionExecutor(options, _lookup, upcall, conntrack, sink) { MergedRules = Offload?.Table is null ? null : this };
        _megaflows = upcall.Megaflows;
        _sink = sink;
        Ports = _run.Ports;
        _conntrack = conntrack;
        _clock = options.Clock;
        _parked = options.Parked;
        if (Offload?.Table is { } table) _gates = table.Gates.Closings;
        _oneTag = options.OneTag;
        _scratch = (BatchScratch*)NativeMemory.AlignedAlloc((nuint)sizeof(BatchScratch), 64);
        *_scratch = default;
    }

    /// <summary>Where its packets are tracked.</summary>
    public ConnThread Conntrack => _conntrack;

    /// <summary>Counters.</summary>
    public ref PmdStats Stats => ref _run.Stats;

    /// <summary>Packet memory.</summary>
    public PacketPool Pool { get; }

    /// <summary>Ports and their counters.</summary>
    public PortTable Ports { get; }

    /// <summary>Where what comes in is looked at; null = nowhere. Before the thread starts.</summary>
    public FrameTap? Tap { get; set; }

    /// <summary>Where traces go and merged rules come from; null without offload.</summary>
    public PmdOffload? Offload { get; }

    /// <summary>Packets that a poll takes at most.</summary>
    internal int BatchLimit => _megaflows.IsInDoubt ? Math.Min(DoubtfulBatch, _missLimit) : _missLimit;

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

    /// <summary>Runs a program of control's for a packet whose metadata are set, and consumes both. Not within a batch.</summary>
    internal void Run(Packet* packet, FrozenState state, UpcallHandler upcall, long nowMs)
    {
        _nowMs = _run.NowMs = _lookup.NowMs = nowMs;
        MiniflowExtractor.EnsureParsed(packet);
        UninstalledProgram program = upcall.Resume(state, packet, nowMs);
        Stats.Made++;

        // What control hands in is through when the call returns: its upcalls are inline.
        _run.ExecuteCopy<WithoutStages>(packet, program.Actions, program.Count);
        upcall.Return(in program);
        Flush();
    }

    /// <summary>What was put together to be sent at once goes out.</summary>
    public void Flush() => _sink?.Flush();

    private void Process<T>(Packet** packets, int count, long nowMs)
        where T : struct, IStageMarks
    {
        _nowMs = _run.NowMs = _lookup.NowMs = _clock.Of(nowMs);
        long beginNs = _isTimed ? MissClock!() : 0;
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
        if (T.IsOn) _run.Stages!.Execute();
        if (_parked is not null) RunParkingBatch<T>(packets, count, merged);
        else if (Offload is null) RunBatch<T>(packets, count);
        else RunRecordedBatch<T>(packets, count, merged);
        if (Stats.Upcalls != _upcallsSeen || _isTimed) LimitMisses(count, beginNs);
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
            MegaflowHot* hot = _megaflows.HotOf(Math.Max(id, 0));
            PortTable.PortHot* port = Ports[hot->OutPort];
            if (id < 0 || hot->Shape != ProgramShape.OutputOnly || port->Exists == 0)
            {
                Fine<T>(PmdStage.Actions);
                ProcessOne<T>(p, i);
                Fine<T>(PmdStage.Transmit);
                continue;
            }

            ulong bytes = (uint)p->LengthBytes;
            MegaflowHot.CountHit(hot, p, bytes, _nowMs);
            TransmitTail.Send(_sink, p, hot->OutPort, port, bytes, ref forwarded, ref forwardedBytes);
            Pool.Return(p);
        }

        Stats.EmcHits += (ulong)BitOperations.PopCount(_scratch->Cached);
        Stats.Passes += forwarded;
        Stats.Carried += forwarded;
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
            _run.BeginTrace(p);
            Fine<T>(PmdStage.Actions);
            ProcessOne<T>(p, i);
            Fine<T>(PmdStage.Record);
            _run.EndTrace();
        }

        Stats.EmcHits += (ulong)BitOperations.PopCount(_scratch->Cached);
        Stats.MergedHits += totals.Hits;
        Stats.Carried += totals.Carried;
        Stats.Tx += totals.Forwarded;
        Stats.TxBytes += totals.ForwardedBytes;
    }

    /// <summary>See <see cref="MegaflowLookup.SetInsertion"/>.</summary>
    public void SetCacheInsertion(uint? oneIn) => _lookup.SetInsertion(oneIn);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        NativeMemory.AlignedFree(_scratch);
        _lookup.Dispose();
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
        ActionExecutor run = _run;
        run.CtHash = (_scratch->Tracked >> i & 1) != 0 ? _scratch->Hash[i] : 0;
        run.RunPass<T>(p, id >= 0 ? _megaflows.HotOf(id) : null);
    }
}
