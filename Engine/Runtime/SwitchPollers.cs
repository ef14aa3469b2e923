using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Pmd;
using Mergeflow.Engine.Ports;
using Mergeflow.Engine.Upcall;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// The pollers that make a datapath a running switch, in groups: one for each packet thread, one for the offload and the aging of counters, one for what is due for the
/// switch as a whole. Threads step them (<see cref="ThreadedSwitch"/>), or one thread does (<see cref="SteppedSwitch"/>, <see cref="Simulator"/>).
/// </summary>
public sealed class SwitchPollers : IDisposable
{
    private readonly Datapath _datapath;
    private readonly PmdPoller[] _packets;

    /// <summary>The device's side of each packet thread that has a queue; none without a NIC.</summary>
    private readonly NicFrontEnd?[] _nics;
    private readonly IOutputSink? _sink;
    private readonly Func<long>? _clock;

    /// <summary>What a packet thread polls: the queue, or the device in front of it; null = nobody polls it.</summary>
    private readonly Dictionary<RxQueueName, (RxQueue Wire, RxQueue? Polled)> _queues = [];
    private readonly Lock _moves = new();
    private readonly UpcallWorker[] _workers;
    private readonly bool _onThreads;

    /// <summary>The groups of a datapath; queues come by <see cref="Add"/>.</summary>
    /// <param name="datapath">What runs; not owned.</param>
    /// <param name="onThreads">Groups are stepped by threads of their own, so who reclaims waits for each. Before any has started.</param>
    /// <param name="sink">What an offloading NIC forwards goes there too; null = it is counted.</param>
    /// <param name="clock">The time of the steps, ms, for the device, which has no steps; null = the system's.</param>
    /// <param name="isTimed">See <see cref="PmdPoller.IsTimed"/>.</param>
    public SwitchPollers(Datapath datapath, bool onThreads, IOutputSink? sink = null, Func<long>? clock = null, bool isTimed = false)
    {
        (_datapath, _sink, _clock) = (datapath, sink, clock);
        _nics = new NicFrontEnd?[datapath.Pmds.Count];
        _packets = [.. datapath.Pmds.Select(p => new PmdPoller(p.Thread, []) { IsTimed = isTimed })];
        if (onThreads) datapath.EnterThreads();
        if (datapath.Offload is { } offload) Offload = new PollerGroup("offload", [offload, datapath.Aging!]) { Reader = onThreads ? datapath.Quiescent.Register() : null };
        WakeLatch? offloads = Offload?.Latch;
        _onThreads = onThreads;
        Pmds = [.. datapath.Pmds.Select(pmd => new PollerGroup($"pmd{pmd.Index}", [.. pmd.UpcallChannels.Length == 0 ? Array.Empty<IPoller>() : [new PmdAnswers(pmd.Thread)], _packets[pmd.Index], pmd.Calls, new PmdUpkeep(pmd, onThreads), .. pmd.PacketIns is { } sent ? [new PacketInBell(sent)] : Array.Empty<IPoller>(), .. offloads is null ? Array.Empty<IPoller>() : [new OffloadBell(datapath.Offload!, offloads)]])
        {
            Reader = onThreads ? datapath.PmdQuiescent.Register() : null,
            AtEnd = () => Leave(pmd),
            IsForPackets = true,
        })];
        _workers = [.. Enumerable.Range(0, datapath.Options.HandlerCount).Select(i => new UpcallWorker(datapath.Pipeline, datapath.Recirc, [.. datapath.Pmds.Select(p => p.UpcallChannels[i])]))];
        Handlers = [.. _workers.Select(static (w, i) => new PollerGroup($"handler{i}", [w]))];
        foreach (PmdContext pmd in datapath.Pmds)
        {
            for (int i = 0; i < Handlers.Count; i++) (pmd.UpcallChannels[i].HandlerLatch, pmd.UpcallChannels[i].PacketLatch) = (Handlers[i].Latch, Pmds[pmd.Index].Latch);
        }

        Upkeep = new PollerGroup("upkeep", [new SwitchUpkeep(datapath)]);
        if (datapath.Kernel is { } kernel) Shadow = new PollerGroup("shadow", [datapath.Shadow = new ShadowCheck(datapath, kernel)]);
        if (datapath.Shadow is { } shadow) shadow.Latch = Shadow!.Latch;
        datapath.OffloadLatch = offloads;
    }

    /// <summary>The packet threads, by index.</summary>
    public IReadOnlyList<PollerGroup> Pmds { get; }

    /// <summary>Threads that translate what packet threads miss; none if these do it themselves.</summary>
    public IReadOnlyList<PollerGroup> Handlers { get; }

    /// <summary>Offload and aging; null without offload.</summary>
    public PollerGroup? Offload { get; }

    /// <summary>Rules, learned addresses and recirculation ids whose time is up.</summary>
    public PollerGroup Upkeep { get; }

    /// <summary>Checks what the kernel forwards; null without rules there.</summary>
    public PollerGroup? Shadow { get; }

    /// <summary>What an offloading NIC has forwarded or dropped; null without one.</summary>
    public BookTotals? Device => _datapath.Nic is null ? null : _nics.Aggregate(default(BookTotals), static (sum, nic) => nic is null ? sum : sum + new BookTotals(nic.Stats.Hits, nic.Stats.HitBytes));

    /// <summary>All of them.</summary>
    public IEnumerable<PollerGroup> All => [.. Pmds, .. Handlers, .. Offload is null ? Array.Empty<PollerGroup>() : [Offload], .. Shadow is null ? Array.Empty<PollerGroup>() : [Shadow], Upkeep];

    /// <summary>
    /// From now on the thread that <see cref="Datapath.Queues"/> names, if any, polls the queue, or the device in front of it; returns what it polls, or would. While threads that others
    /// play are not attached to their calls, by the caller.
    /// </summary>
    /// <exception cref="ArgumentException">There is a queue of that name.</exception>
    public RxQueue Add(RxQueueName name, RxQueue queue)
    {
        lock (_moves)
        {
            _queues.Add(name, (queue, null));
            Give(name, queue, _datapath.Queues.PmdOf(name));
            return _queues[name].Polled ?? queue;
        }
    }

    /// <summary>Nobody polls the queue any more; false if nobody did.</summary>
    public bool Remove(RxQueueName name)
    {
        lock (_moves)
        {
            if (!_queues.Remove(name, out (RxQueue Wire, RxQueue? Polled) queue)) return false;
            if (queue.Polled is { } polled) Release(_datapath.Queues.PmdOf(name), polled);
            return true;
        }
    }

    /// <summary>
    /// Gives a receive queue to another packet thread. The first has finished with it before the second begins, so packets of a flow stay in order. A datagram of which the first
    /// holds fragments does not become whole.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such queue or thread; nothing has moved.</exception>
    public void MoveQueue(RxQueueName name, int pmd) => Change(name, () => _datapath.Queues.Move(name, pmd));

    /// <summary>Takes a receive queue from its packet thread, which has finished with it on return; what comes waits until the queue is moved to another one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such queue.</exception>
    public void HoldQueue(RxQueueName name) => Change(name, () => _datapath.Queues.Hold(name));

    private void Change(RxQueueName name, Action assign)
    {
        lock (_moves)
        {
            int from = _datapath.Queues.PmdOf(name);
            assign();
            int to = _datapath.Queues.PmdOf(name);
            if (from == to || !_queues.TryGetValue(name, out (RxQueue Wire, RxQueue? Polled) queue)) return;
            if (queue.Polled is { } polled) Release(from, polled);
            _queues[name] = (queue.Wire, null);
            Give(name, queue.Wire, to);
        }
    }

    /// <summary>Time that the packets of a queue have taken until now, in ticks of <see cref="System.Diagnostics.Stopwatch"/>: see <see cref="PmdPoller.IsTimed"/>. 0 where there is no such queue.</summary>
    public long BusyTicksOf(RxQueueName name)
    {
        lock (_moves) return _queues.TryGetValue(name, out (RxQueue Wire, RxQueue? Polled) queue) ? Volatile.Read(ref (queue.Polled ?? queue.Wire).BusyTicks) : 0;
    }

    /// <summary>Whether a packet thread has a queue.</summary>
    public bool HasQueues(int pmd)
    {
        lock (_moves) return _queues.Any(q => q.Value.Polled is not null && _datapath.Queues.PmdOf(q.Key) == pmd);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _datapath.OffloadLatch = null;
        foreach (UpcallChannel<UpcallRequest> channel in _datapath.Pmds.SelectMany(static p => p.UpcallChannels))
        {
            channel.HandlerLatch = channel.PacketLatch = null;

            // What was answered, and nobody waits for it any more.
            foreach (UpcallRequest request in channel.Places) request.Result.ReleaseRecircIds();
        }

        foreach (UpcallWorker worker in _workers) worker.Dispose();
        _datapath.Shadow?.Dispose();
        foreach (PmdPoller poller in _packets) poller.Dispose();
        foreach (PollerGroup group in All) group.Dispose();
    }

    private static void Leave(PmdContext pmd)
    {
        pmd.Thread.AbandonParked();
        pmd.Conntrack.KeepsConnections = false;
        pmd.Calls.Detach();
    }

    /// <summary>On return the thread polls the queue no longer, and is through with what was parked then.</summary>
    private void Release(int pmd, RxQueue queue)
    {
        PmdThread thread = _datapath.Pmds[pmd].Thread;
        long begun = 0;
        _datapath.Call(pmd, () =>
        {
            begun = thread.ParkedBegun;
            return _packets[pmd].Remove(queue) ? 1 : 0;
        });
        if (!_onThreads) FinishParked(0);
        else _datapath.Call(pmd, () => thread.HoldsParkedFrom(begun) ? Slice.NotYet : 0);
    }

    /// <summary>Where no threads run: until no packet waits for a handler, in an order that <paramref name="draw"/> gives (any number below its argument); null = in turn.</summary>
    internal void FinishParked(long nowMs, Func<uint, uint>? draw = null)
    {
        int turn = 0;
        while (_datapath.Pmds.Any(static p => p.Thread.ParkedCount > 0))
        {
            uint all = (uint)(Handlers.Count + Pmds.Count);
            int drawn = (int)(draw?.Invoke(all) ?? (uint)turn++ % all);
            if (drawn < Handlers.Count) Handlers[drawn].Step(nowMs);
            else _datapath.Pmds[drawn - Handlers.Count].Thread.ResumeParked(nowMs);
        }
    }

    private void Give(RxQueueName name, RxQueue queue, int pmd)
    {
        if (pmd == QueueAssignment.Nobody) return;
        RxQueue polled = OnWire(queue, pmd);
        _queues[name] = (queue, polled);
        _datapath.Call(pmd, () => Take(pmd, polled));
    }

    private RxQueue OnWire(RxQueue queue, int pmd)
    {
        if (_datapath.Nic is not { } nic) return queue;
        return new NicFilteredRxQueue(queue, _nics[pmd] ??= new NicFrontEnd(nic, _datapath.Pmds[pmd].Ports, _sink), _clock);
    }

    private int Take(int pmd, RxQueue queue)
    {
        queue.Latch = Pmds[pmd].Latch;
        return _packets[pmd].Add(queue);
    }

    /// <summary>What a packet thread does beside packets, for itself: a slice once a millisecond, and of what control has left at most as long as packets take in between.</summary>
    private sealed class PmdUpkeep(PmdContext pmd, bool isTimed) : IPoller
    {
        private long _nowMs = long.MinValue;
        private long _notBeforeNs;

        public string Name => "pmd-upkeep";

        public int Step(long nowMs)
        {
            if (pmd.Revalidator.HasSlices) return StepSlices(nowMs);
            if (nowMs == _nowMs) return 0;
            _nowMs = nowMs;
            long begin = isTimed ? MonotonicClock.NowNs : 0;
            int work = pmd.ExpireSome(nowMs);
            if (isTimed && work > 0) pmd.AddUpkeep(MonotonicClock.NowNs - begin);
            return work;
        }

        private int StepSlices(long nowMs)
        {
            long beginNs = isTimed ? MonotonicClock.NowNs : 0;
            if (beginNs < _notBeforeNs) return 1;
            if (nowMs == _nowMs) pmd.StepMegaflows(nowMs);
            else pmd.ExpireSome(nowMs);
            _nowMs = nowMs;
            if (!isTimed) return 1;
            long nowNs = MonotonicClock.NowNs;
            pmd.AddUpkeep(nowNs - beginNs);
            _notBeforeNs = nowNs + (nowNs - beginNs);
            return 1;
        }

        /// <summary>Whose time is up may wait for <see cref="PollSet.LongestMs"/>; what control has changed comes by a call.</summary>
        public void BeforeSleep(PollSet set, long nowMs)
        {
            if (pmd.Revalidator.IsBehind || pmd.Revalidator.HasSlices) set.AtMost(1);
        }
    }

    /// <summary>Packets go on whose upcalls are answered, before others come in. Who answers sets the latch.</summary>
    private sealed class PmdAnswers(PmdThread thread) : IPoller
    {
        public string Name => "pmd-answers";

        public int Step(long nowMs) => thread.ResumeParked(nowMs);

        public void BeforeSleep(PollSet set, long nowMs)
        {
        }
    }

    /// <summary>Behind all else that a packet thread does in a round: the offload has something to do now.</summary>
    private sealed class OffloadBell(OffloadThread offload, WakeLatch latch) : IPoller
    {
        public string Name => "offload-bell";

        public int Step(long nowMs)
        {
            if (latch.IsAsleep && offload.HasWork) latch.Set();
            return 0;
        }

        public void BeforeSleep(PollSet set, long nowMs)
        {
            // It has looked in the round before.
        }
    }

    /// <summary>The same for who takes packets that are for controllers.</summary>
    private sealed class PacketInBell(PacketInRing ring) : IPoller
    {
        public string Name => "packet-in-bell";

        public int Step(long nowMs)
        {
            ring.WakeConsumer();
            return 0;
        }

        public void BeforeSleep(PollSet set, long nowMs)
        {
            // It has looked in the round before.
        }
    }

    /// <summary>What is due for the switch as a whole.</summary>
    private sealed class SwitchUpkeep(Datapath datapath) : IPoller
    {
        private long _dueMs = long.MinValue;

        public string Name => "upkeep";

        public int Step(long nowMs)
        {
            if (nowMs < _dueMs) return 0;
            _dueMs = nowMs + Math.Min(datapath.Options.MaxRevalidatorMs, PollSet.LongestMs);
            datapath.ExpireShared(nowMs);
            datapath.ExpireUnattended(nowMs);
            return 1;
        }

        public void BeforeSleep(PollSet set, long nowMs) => set.AtMost(_dueMs - nowMs);
    }
}
