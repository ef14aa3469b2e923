using System.Globalization;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>A switch on threads that forwards as fast as it can, while another thread gives orders: how long these take, and what they take of the packet threads.</summary>
public sealed class ControlRun : IDisposable
{
    private const uint LearningPort = 3;
    private const int StandingStride = 64;
    private const int MostChurned = 8_192;

    private readonly Datapath _datapath;
    private readonly SwitchPollers _pollers;
    private readonly ThreadedRuntime _others = new();
    private readonly List<CaptureRxQueue> _queues = [];
    private readonly LearningRxQueue _learning = new(FrameBuilder.Build(0x0c000001, 0x0c000002, 1, 2), LearningPort);
    private readonly FlowTextParser _parser = new();
    private readonly Thread[] _threads;
    private readonly FlowMod[][] _churn;
    private volatile LatencyHistogram[]? _polls;

    /// <summary>Bytes that each packet thread has allocated while it was measured.</summary>
    private readonly long[] _allocated;
    private readonly bool _yields;
    private readonly PollMarks[] _marks;

    /// <summary>Of each packet thread; null until it runs.</summary>
    private readonly ProcessorWaits?[] _waits;
    private volatile bool _stop;

    /// <summary>Rule changes so far: the next one goes on behind them, as one that changes nothing costs nothing.</summary>
    private long _churned;

    /// <summary>Builds the switch; on return each of <paramref name="megaflows"/> flows has its megaflow.</summary>
    /// <param name="megaflows">Flows in all; each is the matter of a rule of its own in table 0, and all are of one rule of table 2.</param>
    /// <param name="pmds">Packet threads, pinned; each has its part of the flows.</param>
    /// <param name="offload">Whether packets are merged.</param>
    /// <param name="handlers">Handler threads; 0 = packet threads translate.</param>
    /// <param name="yields">Packet threads have the processor while nobody else wants it (<see cref="ThreadPolicy"/>).</param>
    public ControlRun(int megaflows, int pmds, OffloadMode offload, int handlers, bool yields)
    {
        Megaflows = megaflows;
        _yields = yields;
        int[] cpus = [.. HostProbe.ProcessCpus.TakeLast(pmds)];
        _datapath = new Datapath(
            new DatapathOptions { Ports = [("p1", 1), ("p2", 2), ("p3", LearningPort), ("p4", 4)], PmdCount = pmds, Offload = offload, MaxIdleMs = 2_000, HandlerCount = handlers },
            sink: null);
        _datapath.ApplyFlowMods(_parser.ParseFlows(
            """
            table=0,priority=1,ip,in_port=1 actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],resubmit(,2)
            table=0,priority=1,in_port=3 actions=normal
            table=2,priority=1,ip actions=output:2
            """), Now);

        // Rules that come and go are no news to masks: there are others like them.
        int[] standing = [.. Enumerable.Range(0, megaflows).Where(static i => i % StandingStride == 0)], moving = [.. Enumerable.Range(0, megaflows).Where(static i => i % StandingStride != 0).Take(MostChurned)];
        _datapath.ApplyFlowMods([.. standing.Select(i => Flow(i, "add ", ",actions=output:4")[0])], Now);
        _churn = [.. moving.Select(i => Flow(i, "add ", ",actions=output:4")), .. moving.Select(i => Flow(i, "delete_strict ", ""))];
        _pollers = new SwitchPollers(_datapath, onThreads: true);
        for (int i = 0; i < pmds; i++)
        {
            List<ReadOnlyMemory<byte>> frames = [.. Enumerable.Range(0, megaflows).Where(f => f % pmds == i).Select(f => (ReadOnlyMemory<byte>)FrameBuilder.Build(0x0b000001, Destination(f), 1000, 80))];
            var queue = new CaptureRxQueue(frames, [.. frames.Select(static _ => 1u)], 0, verifyChecksums: true);
            _queues.Add(queue);
            _pollers.Add(new RxQueueName(1, i), queue);
        }

        _pollers.Add(new RxQueueName(LearningPort, 0), _learning);
        if (_pollers.Offload is { } side) _others.Add(side);
        foreach (PollerGroup handler in _pollers.Handlers) _others.Add(handler);
        _others.Add(_pollers.Upkeep);
        _others.Start();
        _allocated = new long[pmds];
        _waits = new ProcessorWaits?[pmds];
        _marks = [.. Enumerable.Range(0, pmds).Select(static _ => new PollMarks())];
        _threads = [.. _pollers.Pmds.Select((g, i) => new Thread(() => Poll(i, cpus.Length > i ? cpus[i] : null)) { IsBackground = true, Name = g.Name })];
        foreach (Thread t in _threads) t.Start();
        for (long end = Now + 30_000; _datapath.MegaflowCount < megaflows && Now < end;) Thread.Sleep(10);
        GC.Collect();
    }

    /// <summary>Flows.</summary>
    public int Megaflows { get; }

    /// <summary>Megaflows that there are.</summary>
    public int MegaflowCount => _datapath.MegaflowCount;

    /// <summary>Packets that software, merged rules and the device have forwarded so far.</summary>
    public ulong Packets => _datapath.Stats.Rx + (_pollers.Device?.Packets ?? 0);

    /// <summary>Orders that concern one megaflow, or all of it.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["rule of one", "rule of all", "group", "meter", "port", "flush", "settle", "purge"];

    /// <summary>Bytes that packet threads have allocated during the last <see cref="Measure"/>.</summary>
    public long AllocatedByPolls => _allocated.Sum();

    /// <summary>Measures each round of each packet thread while <paramref name="work"/> runs: ns of its processor time.</summary>
    public LatencyHistogram Measure(Action work)
    {
        LatencyHistogram[] polls = [.. _threads.Select(static _ => new LatencyHistogram())];
        Array.Clear(_allocated);
        _polls = polls;
        work();
        _polls = null;
        Thread.Sleep(20);
        var all = new LatencyHistogram();
        foreach (LatencyHistogram one in polls) all.Add(one);
        return all;
    }

    /// <summary>Adds and deletes rules, each the matter of one megaflow, and learns addresses, at rates, for a time.</summary>
    /// <param name="rulesPerSecond">Rule changes.</param>
    /// <param name="perOrder">Rule changes of one order.</param>
    /// <param name="addressesPerSecond">Learned addresses.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="orders">Takes the ns of each order.</param>
    /// <returns>Rule changes that were made.</returns>
    public long Churn(double rulesPerSecond, int perOrder, double addressesPerSecond, double seconds, LatencyHistogram orders)
    {
        _learning.Begin(addressesPerSecond);
        long done = 0, start = MonotonicClock.NowNs;
        for (long now = start; now - start < seconds * 1e9; now = MonotonicClock.NowNs)
        {
            long due = (long)((now - start) * rulesPerSecond / 1e9) - done;
            if (due < perOrder)
            {
                Thread.Sleep(1);
                continue;
            }

            FlowMod[] mods = [.. Enumerable.Range(0, perOrder).Select(i => _churn[(_churned + i) % _churn.Length][0])];
            Time(() => _datapath.ApplyFlowMods(mods, Now), orders);
            done += perOrder;
            _churned += perOrder;
        }

        _learning.Begin(0);
        return done;
    }

    /// <summary>Gives orders of one kind, one every <paramref name="everyMs"/> ms.</summary>
    public void Give(string kind, int count, int everyMs, OrderTimes orders)
    {
        for (int i = 0; i < count; i++)
        {
            bool isOdd = i % 2 != 0;
            Action order = kind switch
            {
                "rule of one" => Applying(_churn[_churned++ % _churn.Length]),
                "rule of all" => Applying([_parser.ParseFlow($"modify_strict table=2,priority=1,ip,actions={(isOdd ? "" : "dec_ttl,")}output:2")]),
                "group" => Grouping(isOdd ? "group_id=1,type=all,bucket=output:2" : "group_id=1,type=all,bucket=output:4"),
                "meter" => Metering(isOdd),
                "port" => () => _datapath.Ports.SetLink(4, isOdd, Now),
                "flush" => () => _datapath.FlushConntrack(isOdd ? null : (ushort)5, Now),
                "settle" => () => _datapath.Settle(Now),
                _ => () => _datapath.PurgeMegaflows(Now),
            };
            Time(order, orders);
            Thread.Sleep(everyMs);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop = true;
        foreach (Thread t in _threads) t.Join();
        foreach (ProcessorWaits? waits in _waits) waits?.Dispose();
        _others.Dispose();
        _pollers.Dispose();
        foreach (CaptureRxQueue queue in _queues) queue.Dispose();
        _datapath.Dispose();
    }

    private static long Now => Environment.TickCount64;

    private Action Applying(FlowMod[] mods) => () => _datapath.ApplyFlowMods(mods, Now);

    private Action Grouping(string group)
    {
        GroupMod mod = _parser.ParseGroup(group);
        return () => _datapath.ApplyGroupMod(mod, Now);
    }

    private Action Metering(bool isOdd)
    {
        MeterMod mod = FlowTextParser.ParseMeters($"meter=1,kbps,band=type=drop,rate={(isOdd ? 1000 : 2000)}").Single();
        bool isNew = !_datapath.Pipeline.Meters.Any();
        return () => _datapath.ApplyMeterMod(mod with { Command = isNew ? MeterModCommand.Add : MeterModCommand.Modify }, Now);
    }

    private void Time(Action order, OrderTimes into)
    {
        (long rounds, long waitNs) = _datapath.Waits;
        (long Calls, long Ns)[] before = [.. _marks.Select(static m => m.Answers)];
        using ProcessorWaits own = new();
        long[] waits = [.. _waits.Select(static w => w?.WaitNs ?? 0)];
        long ownWaitNs = own.WaitNs, ownNs = ThreadClock.NowNs;
        Time(order, into.All);
        into.Own.Add((ulong)(ThreadClock.NowNs - ownNs));
        into.OwnDelay.Add((ulong)(own.WaitNs - ownWaitNs));
        into.PacketDelay.Add((ulong)_waits.Zip(waits, static (w, was) => (w?.WaitNs ?? 0) - was).Max());

        // The step in which a thread has answered may not be over yet.
        Thread.Sleep(5);
        for (int i = 0; i < _marks.Length; i++)
        {
            (long calls, long ns) = _marks[i].Answers;
            if (calls == before[i].Calls) continue;
            into.Calls.Add((ulong)(calls - before[i].Calls));
            into.OfPackets.Add((ulong)(ns - before[i].Ns));
        }

        into.Waited.Add((ulong)(_datapath.Waits.WaitNs - waitNs));
        into.Rounds += _datapath.Waits.Rounds - rounds;
    }

    private static void Time(Action order, LatencyHistogram into)
    {
        long start = MonotonicClock.NowNs;
        order();
        into.Add((ulong)(MonotonicClock.NowNs - start));
    }

    private void Poll(int index, int? cpu)
    {
        if (cpu is int c) ThreadPinning.TryPin(c);
        if (_yields && !ThreadPolicy.TrySetIdle()) throw new InvalidOperationException("the system refuses SCHED_IDLE");
        _waits[index] = new ProcessorWaits();
        PollerGroup group = _pollers.Pmds[index];
        PmdCalls calls = _datapath.Pmds[index].Calls;
        calls.Attach(group.Latch);
        long answered = 0, made = 0;
        try
        {
            while (!_stop)
            {
                if (_polls is not { } polls)
                {
                    group.Step(Now);
                    continue;
                }

                long allocated = GC.GetAllocatedBytesForCurrentThread(), begin = ThreadClock.NowNs;
                group.Step(Now);
                long end = ThreadClock.NowNs;
                polls[index].Add((ulong)(end - begin));
                if (calls.Made != made) _marks[index].Called(begin, end, calls.Made - made, calls.Answered != answered);
                (made, answered) = (calls.Made, calls.Answered);
                _allocated[index] += GC.GetAllocatedBytesForCurrentThread() - allocated;
            }
        }
        finally
        {
            group.Reader?.Leave();
            group.AtEnd?.Invoke();
        }
    }

    private FlowMod[] Flow(int i, string command, string actions)
    {
        uint d = Destination(i);
        return [_parser.ParseFlow(string.Create(CultureInfo.InvariantCulture, $"{command}table=0,priority=9,ip,nw_dst={d >> 24}.{d >> 16 & 255}.{d >> 8 & 255}.{d & 255}{actions}"))];
    }

    private static uint Destination(int i) => 0x0a000000 + (uint)i;
}
