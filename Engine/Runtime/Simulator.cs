using System.Runtime.InteropServices;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Pmd;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Upcall;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// The single-threaded runtime: a virtual clock, packets handed in one by one, and every poller stepped to quiescence before the clock moves.
/// The same input and seed give the same output.
/// </summary>
public sealed unsafe partial class Simulator : IDisposable
{
    /// <summary>A queue moves once in so many frames, where the schedule is left to chance.</summary>
    private const uint FramesPerMove = 16;

    private readonly SimulatorOptions _options;
    private readonly Packet** _batch;

    /// <summary>One per packet thread; none without a NIC.</summary>
    private readonly NicFrontEnd[] _nics;
    private readonly Schedule? _schedule;
    private readonly SwitchPollers _pollers;
    private readonly ReceiveSideScaling _rss;

    /// <summary>The caller's thread, seen from the offload thread; null while it steps that too.</summary>
    private readonly QuiescentState.Reader? _packetThread;

    /// <summary>Packets in the batch, all of one thread: what arrives first is processed first, whoever does it.</summary>
    private int _pending;
    private PmdContext _pmd;

    /// <summary>Ports that have gone.</summary>
    private readonly HashSet<uint> _gone = [];
    private bool _disposed;

    public Simulator(SimulatorOptions options, IOutputSink sink)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.BatchSize, PmdThread.MaxBatch);
        _options = options;
        sink = new MtuSink(sink, options.MtuBytes);
        _schedule = options.ScheduleSeed == 0 ? null : new Schedule(options.ScheduleSeed);
        Datapath = new Datapath(options, new OutputSinkAdapter(sink));
        _nics = Datapath.Nic is { } nic ? [.. Datapath.Pmds.Select(p => new NicFrontEnd(nic, p.Ports, sink))] : [];
        _pmd = Datapath.Pmds[0];
        _pollers = new SwitchPollers(Datapath, onThreads: false);
        _rss = new ReceiveSideScaling(options.RssSeed, options.RssIsSymmetric);
        if (options.SlicesControl) Datapath.WorkInSlices(_ => new Slice(1 + (int)_schedule!.Below(4)));
        if (options.OffloadRunsApart) _packetThread = Datapath.PmdQuiescent.Register();
        _batch = (Packet**)NativeMemory.AlignedAlloc(PmdThread.MaxBatch * (nuint)sizeof(Packet*), 64);
    }

    /// <summary>What is simulated.</summary>
    public Datapath Datapath { get; }

    /// <summary>OpenFlow tables.</summary>
    public OfPipeline Pipeline => Datapath.Pipeline;

    /// <summary>The virtual clock.</summary>
    public long NowMs { get; private set; }

    /// <summary>Applies flow modifications after everything pending; on return no packet is forwarded by what they revoked.</summary>
    public Acknowledgement ApplyFlowMods(IReadOnlyList<FlowMod> mods, bool purge = false)
    {
        BeforeChange();
        return AfterChange(Datapath.ApplyFlowMods(mods, NowMs, purge));
    }

    /// <summary>Applies a group modification, with the same promise.</summary>
    public Acknowledgement ApplyGroupMod(GroupMod mod, bool purge = false)
    {
        BeforeChange();
        return AfterChange(Datapath.ApplyGroupMod(mod, NowMs, purge));
    }

    /// <summary>Applies a meter modification, with the same promise.</summary>
    public Acknowledgement ApplyMeterMod(MeterMod mod, bool purge = false)
    {
        BeforeChange();
        return AfterChange(Datapath.ApplyMeterMod(mod, NowMs, purge));
    }

    /// <summary>Deletes every megaflow, as <c>ovs-appctl revalidator/purge</c> does; what they have counted is reported.</summary>
    public Acknowledgement Purge()
    {
        BeforeChange();
        return AfterChange(Datapath.PurgeMegaflows(NowMs));
    }

    /// <summary>Finishes everything at the current time and reports it to the OpenFlow rules, as a revalidator does now and then.</summary>
    public void Settle()
    {
        ProcessPending();
        Datapath.Settle(NowMs);
    }

    /// <summary>Finishes everything at the current time, then moves the clock; going back is refused.</summary>
    public void AdvanceTo(long nowMs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(nowMs, NowMs);
        if (nowMs == NowMs) return;
        ProcessPending();
        Datapath.Offload?.Settle(NowMs);
        NowMs = nowMs;
        Datapath.Expire(nowMs);
    }

    /// <summary>Hands in one frame; its outputs come by the next <see cref="ProcessPending"/> at the latest.</summary>
    /// <exception cref="InvalidOperationException">Packet memory is exhausted.</exception>
    /// <exception cref="ObjectDisposedException">The simulator is gone.</exception>
    public void Receive(uint port, ReadOnlySpan<byte> frame, long eventIndex)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        PmdContext pmd = Datapath.Pmds.Count == 1 ? _pmd : PmdOf(port, frame);
        NicFrontEnd? nic = _nics.Length == 0 ? null : _nics[pmd.Index];

        // Packets that wait for software came first: what they do (a FIN, a new mark) must be done before a rule forwards this one.
        if (_pending > 0 && (pmd != _pmd || nic?.WouldHit(port, frame) == true)) ProcessPending();
        _pmd = pmd;
        Packet* p = pmd.Pool.Rent();
        if (p == null) throw new InvalidOperationException("packet memory is exhausted: too many held fragments");
        pmd.Pool.Load(p, frame, port);
        p->EventIndex = eventIndex;
        if (nic is not null && !Datapath.Conntrack.SendsLate(NowMs) && nic.TryReceive(p, NowMs))
        {
            pmd.Pool.Return(p);
            return;
        }

        _batch[_pending++] = p;

        // What normal learns from a packet holds for the next one, whatever the size of the batch.
        if (_pending == _options.BatchSize || Datapath.UsesNormal) ProcessPending();
    }

    /// <summary>Gives a receive queue to another packet thread; what the first has of it is processed before.</summary>
    public void MoveQueue(RxQueueName queue, int pmd)
    {
        ProcessPending();
        Datapath.Queues.Move(queue, pmd);
    }

    /// <summary>The thread that polls the queue by which the frame comes.</summary>
    private PmdContext PmdOf(uint port, ReadOnlySpan<byte> frame)
    {
        var queue = new RxQueueName(port, (int)(_rss.HashOf(frame) % (uint)Datapath.Queues.QueuesPerPort));

        // A datagram whose fragments come to two threads would never be whole.
        if (_schedule?.OneIn(FramesPerMove) == true && Datapath.Conntrack.HeldFragments == 0) MoveQueue(queue, (int)_schedule.Below((uint)Datapath.Pmds.Count));
        return Datapath.Pmds[Datapath.Queues.PmdOf(queue)];
    }

    /// <summary>Processes everything pending.</summary>
    /// <exception cref="ObjectDisposedException">The simulator is gone.</exception>
    public void ProcessPending()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_pending > 0) ProcessBatch();
        _packetThread?.Announce();
    }

    private void ProcessBatch()
    {
        int n = _pending;
        _pending = 0;
        _pmd.Thread.ProcessBatch(_batch, n, NowMs);
        if (_pmd.Thread.ParkedCount > 0) _pollers.FinishParked(NowMs, _schedule is null ? null : _schedule.Below);
        if (Datapath.UsesNormal) Datapath.RevalidateIfLearned(NowMs);
        if (_schedule?.OneIn(_options.SlicesControl ? 1u : 4) == true) Upkeep();
        if (Datapath.Offload is not { } offload) return;

        // Gates and generations need no help; a device that knows neither must be told before the next frame.
        if (_packetThread is not null && (offload.Provider.Capabilities.KeepsConnections || (!offload.ConnEventsWait && offload.DyingCount == 0))) return;
        if (_schedule?.OneIn(4) == true) Datapath.Aging!.Step(NowMs);

        // Traces may wait; what closed a connection may not.
        if (_schedule?.OneIn(2) == true && !offload.ConnEventsWait) return;
        offload.Step(NowMs);

        // A device that removes slowly must not forward the next frame by what this batch revoked.
        if (offload.DyingCount > 0) offload.AcknowledgeRemoval(NowMs);
    }

    /// <summary>A round of a thread that chance draws, but that of the offload. Whatever was due has been done when the clock moved: nobody may see it.</summary>
    private void Upkeep()
    {
        int drawn = (int)_schedule!.Below((uint)_pollers.Pmds.Count + 1);
        (drawn < _pollers.Pmds.Count ? _pollers.Pmds[drawn] : _pollers.Upkeep).Step(NowMs);
    }

    /// <summary>Finishes everything at the current time and compares the books (<see cref="Datapath.Audit"/>) with what the device says it has forwarded.</summary>
    /// <param name="pushed">Statistics have been pushed: nothing may be left to push.</param>
    public OffloadAudit Audit(bool pushed = false)
    {
        ProcessPending();
        BookTotals? device = _nics.Length == 0 ? null : _nics.Aggregate(default(BookTotals), static (sum, nic) => sum + new BookTotals(nic.Stats.Hits, nic.Stats.HitBytes));
        OffloadAudit audit = Datapath.Audit(NowMs, device, pushed);
        if (device is not null) return audit;

        // The soft device counts packets once more, on the packet path.
        ulong packets = Datapath.Stats.MergedHits;
        OffloadAuditLine first = audit.Lines[0];
        return audit with { Lines = [first with { Counted = first.Counted with { Packets = packets } }, .. audit.Lines.Skip(1)] };
    }

    /// <summary>Takes a port away or brings it back. On return no rule sends to it or takes packets from it.</summary>
    public Acknowledgement SetPort(uint port, bool exists)
    {
        BeforeChange();
        return AfterChange(Datapath.Ports.SetLink(port, exists, NowMs));
    }

    /// <summary>A port goes, and what was learned of it; nothing if it is not there. On return no rule sends to it or takes packets from it.</summary>
    public Acknowledgement RemovePort(uint port)
    {
        BeforeChange();
        if (Datapath.Ports.Remove(port, NowMs)) _gone.Add(port);
        return AfterChange(Datapath.Acknowledge(NowMs));
    }

    /// <summary>A port that has gone is there again, and up; one that is there comes up.</summary>
    public Acknowledgement AddPort(uint port)
    {
        BeforeChange();
        if (!_gone.Remove(port)) return AfterChange(Datapath.Ports.SetLink(port, isUp: true, NowMs));
        PipelinePort again = new(_options.Ports.First(p => p.Number == port).Name, port) { Tunnel = _options.Tunnels.FirstOrDefault(t => t.Number == port) };
        return AfterChange(Datapath.Ports.Add(again, Datapath.Queues.QueuesPerPort, NowMs));
    }

    /// <summary>Removes connections: all, or those of one zone.</summary>
    public Acknowledgement FlushConntrack(ushort? zone)
    {
        ProcessPending();
        return AfterChange(Datapath.FlushConntrack(zone, NowMs));
    }

    /// <summary>Sets the most connections of a zone, or of each zone that has no limit of its own (null); null as limit takes the zone's away.</summary>
    public void SetConntrackLimit(ushort? zone, uint? limit)
    {
        ProcessPending();
        if (zone is not ushort z) Datapath.Conntrack.DefaultLimit = limit ?? 0;
        else if (limit is uint most) Datapath.Conntrack.SetZoneLimit(z, most);
        else Datapath.Conntrack.RemoveZoneLimit(z);
    }

    /// <summary>What rules have counted so far belongs to the tables as they are.</summary>
    private void BeforeChange()
    {
        ProcessPending();
        if (_packetThread is null) Datapath.Offload?.Settle(NowMs);
    }

    /// <summary>The rules that the change has put out of use are taken out; by chance late.</summary>
    private Acknowledgement AfterChange(Acknowledgement acknowledgement)
    {
        if (_packetThread is null && _schedule?.OneIn(2) != true) Datapath.Offload?.Settle(NowMs);
        return acknowledgement;
    }

    /// <summary>What there is at the current time, with everything finished and counted.</summary>
    public SimulatorReport Report()
    {
        ProcessPending();
        return Datapath.Report(NowMs);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        NativeMemory.AlignedFree(_batch);
        _pollers.Dispose();
        Datapath.Dispose();
    }
}
